"""What has happened at a store before somebody looks at its pages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from billing.models.usage import UsageBucket, UsageLatency
from engine.services.ingest_events import ingest_events
from engine.services.write_items import write_items
from tenants.context import in_environment, on_platform
from tenants.models.environment import Environment


def put_items(environment: Environment, *item_ids: str) -> None:
    """Send items with a title each."""
    rows = [{"id": each, "title": each.capitalize()} for each in item_ids]
    with in_environment(environment):
        write_items(environment=environment, rows=rows)


def send_events(environment: Environment, *rows: dict[str, Any]) -> None:
    """Send events that have just happened."""
    with in_environment(environment):
        ingest_events(
            environment=environment, rows=list(rows), received_at=timezone.now(), source="server"
        )


def answer_calls(
    environment: Environment, *, calls: int, fallbacks: int = 0, days_ago: int = 0
) -> None:
    """Have calls answered in this hour of another day, about a millisecond each."""
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(days=days_ago)
    with on_platform():
        UsageBucket.objects.create(
            environment_id=environment.pk,
            hour=hour,
            operation=1,
            calls=calls,
            units=calls,
            fallbacks=fallbacks,
        )
        UsageLatency.objects.create(
            environment_id=environment.pk, day=hour.date(), step=18, calls=calls
        )


@contextmanager
def questions() -> Iterator[list[str]]:
    """Collect what is asked of the database, without what sets and ends transactions."""
    asked: list[str] = []
    with CaptureQueriesContext(connection) as queries:
        yield asked
    asked += [each["sql"] for each in queries if "SELECT " in each["sql"]]
