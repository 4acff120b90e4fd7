"""Makes the store that the parts of bench_ingestion.py measure with, and its events."""

from __future__ import annotations

import os
import random
import time
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tenants.models.environment import Environment

USERS = 20_000
ITEMS = 5_000
_dice = random.Random(7)  # noqa: S311  # no secret


def make_store() -> tuple[Environment, str]:
    """Return a new store's environment and its secret key; what follows acts as the application."""
    import django

    os.environ["SHELFWISE_LOGIN"] = "owner"
    django.setup()
    from django.conf import settings

    from tenants.context import on_platform
    from tenants.db.connection import connection
    from tenants.services.create_api_key import create_api_key
    from tenants.services.create_tenant import create_tenant

    live = create_tenant(name="Bench", slug=f"bench-{time.time_ns()}").live
    with on_platform():
        key = create_api_key(environment=live, actor="bench", name="bench").text
    del os.environ["SHELFWISE_LOGIN"]
    connection.close()
    connection.close_pool()
    connection.settings_dict["USER"] = settings.APP_LOGIN
    return live, key


def fill_store(live: Environment) -> None:
    """Name every shopper and item once, as in a store that has sent events for a while."""
    from django.utils import timezone

    from engine.models.item import ItemRef
    from engine.models.shopper import Shopper
    from tenants.context import in_environment

    now = timezone.now()
    with in_environment(live):
        Shopper.objects.bulk_create(
            Shopper(kind="user", external_id=f"user-{number}", created_at=now, updated_at=now)
            for number in range(USERS)
        )
        ItemRef.objects.bulk_create(ItemRef(ref=f"sku-{number}") for number in range(ITEMS))


def views(count: int) -> list[dict[str, Any]]:
    """Return as many views of the last hour, each with an id of its own."""
    now = datetime.now(UTC)
    return [
        {
            "type": "view",
            "user_id": f"user-{_dice.randrange(USERS)}",
            "item_id": f"sku-{_dice.randrange(ITEMS)}",
            "ts": (now - timedelta(seconds=_dice.randrange(3600))).isoformat(),
            "event_id": str(uuid.uuid4()),
        }
        for _ in range(count)
    ]


def purchases(count: int) -> list[dict[str, Any]]:
    """Return as many purchases, each of an order of its own."""
    return [
        {**view, "type": "purchase", "order_id": f"order-{view['event_id']}", "price": "12.90"}
        for view in views(count)
    ]


def processor_seconds(pid: int) -> float:
    """Return the processor time that a process has used (Linux); 0 of one that has ended."""
    return _seconds(_stat(pid)[11:13])


def family_seconds(server: int) -> float:
    """Return the processor time of a server's processes, those that have ended included."""
    alive = [int(folder.name) for folder in Path("/proc").glob("[0-9]*")]
    ended = _seconds(_stat(server)[13:15])
    return ended + sum(processor_seconds(pid) for pid in alive if parent(pid) == server)


def parent(pid: int) -> int:
    """Return the process that started this one; 0 where it has ended."""
    fields = _stat(pid)
    return int(fields[1]) if fields else 0


def _seconds(ticks: list[str]) -> float:
    return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")


def _stat(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []
