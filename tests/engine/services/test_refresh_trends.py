"""What rises in a store, counted by the hourly job and written where serving finds it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from engine import tasks
from engine.core.trends import WINDOWS
from engine.jobs import TRENDS_JOB
from engine.models.event import Event
from engine.selectors.visits import Product, visits
from engine.services.ingest_events import ingest_events
from engine.services.queue_trends import queue_trends
from engine.services.refresh_trends import refresh_trends
from engine.services.remove_old_artifacts import artifacts_of
from engine.services.write_items import write_items
from saas.lib.trends import TRENDS, Trends, read_trends
from tenants.context import in_environment, on_platform
from tenants.models.environment import Environment
from tenants.models.job import Job
from tenants.models.tenant import Tenant

# Long ago: windows count back from the newest events.
NEWEST = datetime(2024, 3, 1, 12, tzinfo=UTC)
ITEMS: list[dict[str, Any]] = [
    {"id": "evergreen", "title": "Evergreen"},
    {"id": "rising", "title": "Rising"},
    {"id": "shirt-s", "title": "Shirt", "group_id": "shirt"},
    {"id": "shirt-l", "title": "Shirt", "group_id": "shirt"},
]


@pytest.fixture
def shop(acorn: Environment) -> Iterator[Environment]:
    with in_environment(acorn):
        write_items(environment=acorn, rows=ITEMS)
        yield acorn
    (artifacts_of(acorn.pk) / TRENDS).unlink(missing_ok=True)


def looked_at(item_id: str, *, shoppers: int, days_ago: float) -> list[dict[str, Any]]:
    ts = (NEWEST - timedelta(days=days_ago)).isoformat()
    return [
        {"type": "view", "item_id": item_id, "ts": ts, "anonymous_id": f"{item_id}-{shopper}"}
        for shopper in range(shoppers)
    ]


def send(shop: Environment, *rows: dict[str, Any]) -> None:
    ingest_events(environment=shop, rows=rows, received_at=datetime.now(UTC), source="import")


def a_month(shop: Environment) -> None:
    """Evergreen has 60 visitors a day; rising had 1 and has 40, a size of the shirt the same."""
    for day in range(1, 29, 3):
        send(shop, *looked_at("evergreen", shoppers=60, days_ago=day + 0.5))
        for item_id in ("rising", "shirt-s"):
            send(shop, *looked_at(item_id, shoppers=1, days_ago=day + 0.5))
    send(
        shop,
        *looked_at("evergreen", shoppers=60, days_ago=0.2),
        *looked_at("rising", shoppers=40, days_ago=0.1),
        *looked_at("shirt-l", shoppers=20, days_ago=0),
        *looked_at("shirt", shoppers=10, days_ago=0),
    )


def rising(trends: Trends | None, window: str = "24h") -> list[str]:
    assert trends is not None
    return [item_id for item_id, _ in trends.rising[window]]


def test_what_rises_is_written_and_what_is_only_popular_is_not(shop: Environment) -> None:
    a_month(shop)
    trends = refresh_trends(environment=shop)
    # The shirt is one product, whose visits name its sizes or itself.
    first, *variants = rising(trends)
    assert (first, set(variants)) == ("rising", {"shirt-s", "shirt-l"})
    assert read_trends(artifacts_of(shop.pk)) == trends
    counted = visits()
    now, past = counted.by_window["24h"]
    place = counted.products.index(Product(group_id="shirt", item_id=None))
    assert (now[place], past[place]) == (20 + 10, 10)


def test_deleted_items_do_not_trend(shop: Environment) -> None:
    a_month(shop)
    write_items(environment=shop, rows=[{"id": "shirt-l", "deleted": True}])
    assert rising(refresh_trends(environment=shop)) == ["rising", "shirt-s"]


def test_without_new_events_nothing_is_counted_again(shop: Environment) -> None:
    a_month(shop)
    assert refresh_trends(environment=shop) is not None
    assert refresh_trends(environment=shop) is None
    send(shop, *looked_at("evergreen", shoppers=1, days_ago=0))
    assert refresh_trends(environment=shop) is not None


def test_a_shopper_counts_once_a_day(shop: Environment) -> None:
    a_month(shop)
    reloads = [
        {
            "type": "view",
            "item_id": "evergreen",
            "ts": (NEWEST - timedelta(minutes=minute)).isoformat(),
            "anonymous_id": "fan",
        }
        for minute in range(300)
    ]
    send(shop, *reloads, *(event | {"type": "cart"} for event in reloads))
    counted = visits()
    place = [product.item_id for product in counted.products].index("evergreen")
    now, past = counted.by_window["24h"]
    assert (now[place], past[place]) == (60 + 1, 600)


def test_what_says_nothing_of_taste_or_takes_it_back_is_no_visit(shop: Environment) -> None:
    send(shop, *looked_at("evergreen", shoppers=3, days_ago=0))
    for type_ in ("impression", "dislike", "uncart", "custom:zoom"):
        send(
            shop, *(each | {"type": type_} for each in looked_at("rising", shoppers=5, days_ago=0))
        )
    assert [product.item_id for product in visits().products] == ["evergreen"]


def test_one_stray_event_empties_no_window(shop: Environment) -> None:
    a_month(shop)
    send(shop, {"type": "view", "item_id": "evergreen", "user_id": "stray"})
    assert Event.objects.order_by("-occurred_at").values_list("occurred_at", flat=True)[
        0
    ] > NEWEST + timedelta(days=300)
    assert rising(refresh_trends(environment=shop))[0] == "rising"


def test_a_store_without_events_has_no_trends(shop: Environment) -> None:
    trends = refresh_trends(environment=shop)
    assert trends is not None
    assert trends.rising == {window: [] for window in WINDOWS}


def test_each_store_with_a_model_is_looked_at_once_an_hour_and_for_each_new_model(
    acorn: Environment, birch: Environment
) -> None:
    with on_platform():
        mine = Job.objects.filter(kind=TRENDS_JOB, environment__in=[acorn, birch])
        queue_trends()
        assert not mine.exists()
        for version in ("V1", "V2"):
            Environment.objects.filter(pk__in=[acorn.pk, birch.pk]).update(live_version=version)
            Tenant.objects.filter(pk=birch.tenant_id).update(status="suspended")
            queue_trends()
            queue_trends()
        assert {job.environment_id for job in mine} == {acorn.pk}
        # An hour may have ended in between.
        assert len({str(job.dedupe_key).split(":")[2] for job in mine}) == 2


def test_the_job_writes_the_trends(acorn: Environment) -> None:
    with on_platform():
        Environment.objects.filter(pk=acorn.pk).update(live_version="V1")
        queue_trends()
        job = Job.objects.filter(kind=TRENDS_JOB, environment=acorn)[0]
    tasks.refresh_trends(job_id=job.pk, environment_id=acorn.pk)
    folder = artifacts_of(acorn.pk)
    assert read_trends(folder) is not None
    (folder / TRENDS).unlink()
    with on_platform():
        job.refresh_from_db()
        assert job.state == "done"
