"""The sample stores are valid by the contract, the same for a seed, and live as stores do."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from saas.lifecycle.sample.book_store import ACORN_BOOKS
from saas.lifecycle.sample.shoe_store import BIRCH_SHOES
from saas.lifecycle.sample.spec import StoreSpec
from saas.lifecycle.sample.store import FULL, SMALL, SampleStore, make_sample_store

ENDS_AT = datetime(2026, 5, 31, 18, tzinfo=UTC)
ITEM_FIELDS = {
    *("id", "title", "description", "categories", "brand", "price", "currency", "in_stock"),
    *("recommendable", "available_from", "url", "group_id", "attributes"),
}
EVENT_FIELDS = {
    *("event_id", "type", "user_id", "anonymous_id", "session_id", "item_id", "ts"),
    *("order_id", "currency", "items"),
}
FINGERPRINT = """
from datetime import UTC, datetime
import hashlib, json
from saas.lifecycle.sample.book_store import ACORN_BOOKS
from saas.lifecycle.sample.store import SMALL, make_sample_store
ends_at = datetime(2026, 5, 31, 18, tzinfo=UTC)
store = make_sample_store(spec=ACORN_BOOKS, size=SMALL, ends_at=ends_at, seed=7)
rows = [*store.items(), *store.events()]
print(hashlib.sha256("\\n".join(map(json.dumps, rows)).encode()).hexdigest())
"""


def fingerprint(store: SampleStore) -> str:
    rows = [*store.items(), *store.events()]
    return hashlib.sha256("\n".join(map(json.dumps, rows)).encode()).hexdigest()


def small(*, spec: StoreSpec = ACORN_BOOKS, seed: int = 7) -> SampleStore:
    return make_sample_store(spec=spec, size=SMALL, ends_at=ENDS_AT, seed=seed)


@pytest.fixture(scope="module", params=[ACORN_BOOKS, BIRCH_SHOES], ids=lambda spec: spec.slug)
def store(request: pytest.FixtureRequest) -> SampleStore:
    return make_sample_store(spec=request.param, size=FULL, ends_at=ENDS_AT, seed=7)


@pytest.fixture(scope="module")
def items(store: SampleStore) -> list[dict[str, Any]]:
    return list(store.items())


@pytest.fixture(scope="module")
def events(store: SampleStore) -> list[dict[str, Any]]:
    return list(store.events())


def touched(event: dict[str, Any]) -> list[str]:
    return [line["id"] for line in event.get("items", [])] or [event["item_id"]]


def moment(event: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(event["ts"])


def test_the_same_seed_makes_the_same_store_in_another_process() -> None:
    other = subprocess.run(
        [sys.executable, "-c", FINGERPRINT],
        check=True,
        capture_output=True,
        text=True,
        env={"PYTHONHASHSEED": "1", "PYTHONPATH": ":".join(filter(None, sys.path))},
    )
    assert other.stdout.strip() == fingerprint(small())


def test_another_seed_makes_another_store() -> None:
    assert fingerprint(small(seed=8)) != fingerprint(small())


def test_the_full_store_has_the_size_of_a_shop(
    items: list[dict[str, Any]], events: list[dict[str, Any]]
) -> None:
    assert len(items) == 1_200
    assert 60_000 <= len(events) <= 80_000


@pytest.mark.parametrize("spec", [ACORN_BOOKS, BIRCH_SHOES], ids=lambda spec: spec.slug)
@pytest.mark.parametrize("seed", range(5))
def test_the_small_store_fills_a_test_environment(spec: StoreSpec, seed: int) -> None:
    store = small(spec=spec, seed=seed)
    assert len(list(store.items())) == 120
    assert 1_700 <= len(list(store.events())) <= 2_300


def test_items_are_valid_and_each_reads_differently(
    store: SampleStore, items: list[dict[str, Any]]
) -> None:
    slug = store.catalogue.spec.slug
    for item in items:
        assert set(item) <= ITEM_FIELDS
        assert float(item["price"]) > 0
        assert item["categories"][0].count(" > ") == 2
        assert item["brand"]
        assert item["url"].startswith(f"https://www.{slug}.example/")
        # There is no picture at any address of a store that is none.
        assert "image_url" not in item
        assert "{" not in item["title"] + item["description"]
    for field in ("id", "title", "url"):
        assert len({item[field] for item in items}) == len(items)


def test_variants_share_a_group_and_a_category(items: list[dict[str, Any]]) -> None:
    groups = defaultdict(list)
    for item in items:
        if "group_id" in item:
            groups[item["group_id"]].append(item)
    assert len(groups) > 200
    for group in groups.values():
        assert len(group) > 1
        assert len({item["categories"][0] for item in group}) == 1
        variants = [
            item["attributes"].get("format") or item["attributes"]["colour"] for item in group
        ]
        assert len(set(variants)) == len(group)


def test_events_are_valid_ordered_and_inside_the_span(
    items: list[dict[str, Any]], events: list[dict[str, Any]]
) -> None:
    ids = {item["id"] for item in items}
    assert len({event["event_id"] for event in events}) == len(events)
    assert [event["ts"] for event in events] == sorted(event["ts"] for event in events)
    assert moment(events[0]) >= ENDS_AT - timedelta(days=180)
    assert ENDS_AT - timedelta(hours=3) < moment(events[-1]) < ENDS_AT
    for event in events:
        assert set(event) <= EVENT_FIELDS
        assert "user_id" in event or "anonymous_id" in event
        assert ids.issuperset(touched(event))


def test_what_is_bought_was_put_in_the_cart_of_the_same_visit(
    events: list[dict[str, Any]],
) -> None:
    carts: defaultdict[str, set[str]] = defaultdict(set)
    orders = Counter(event["order_id"] for event in events if event["type"] == "purchase")
    assert set(orders.values()) == {1}
    for event in events:
        if event["type"] == "cart":
            carts[event["session_id"]].add(event["item_id"])
        if event["type"] == "purchase":
            bought = touched(event)
            assert len(set(bought)) == len(bought)
            assert carts[event["session_id"]].issuperset(bought)


def test_a_visit_belongs_to_one_shopper_who_may_log_in_on_the_way(
    events: list[dict[str, Any]],
) -> None:
    user_of: dict[str, str] = {}
    visitors: defaultdict[str, set[str]] = defaultdict(set)
    for event in events:
        anonymous, user = event.get("anonymous_id"), event.get("user_id")
        visitors[event["session_id"]].update(filter(None, (anonymous, user)))
        if anonymous and user:
            assert user_of.setdefault(anonymous, user) == user
        elif anonymous:
            # After the login its browser is never anonymous again.
            assert anonymous not in user_of
    assert len(user_of) > 200
    pairs = {frozenset(pair) for pair in user_of.items()}
    assert all(len(ids) == 1 or ids in pairs for ids in map(frozenset, visitors.values()))


def test_popularity_is_skewed_as_in_life(
    items: list[dict[str, Any]], events: list[dict[str, Any]]
) -> None:
    counts = Counter(event["item_id"] for event in events if event["type"] == "view")
    best_tenth = sum(count for _, count in counts.most_common(len(items) // 10))
    assert 0.35 < best_tenth / sum(counts.values()) < 0.65


def test_some_items_are_new_unseen_or_not_for_sale(
    items: list[dict[str, Any]], events: list[dict[str, Any]]
) -> None:
    counts = Counter(item_id for event in events for item_id in touched(event))
    unseen = [item for item in items if not counts[item["id"]]]
    assert 0.02 < len(unseen) / len(items) < 0.1
    share = len(items) / 100
    week_ago = (ENDS_AT - timedelta(days=7)).isoformat()
    assert sum(item.get("available_from", "") > week_ago for item in items) > 3 * share
    assert sum(item.get("available_from", "") > ENDS_AT.isoformat() for item in items) > 0.5 * share
    assert sum(not item["in_stock"] for item in items) > 2 * share
    assert sum(not item["recommendable"] for item in items) > 0.5 * share


def test_nobody_meets_an_item_before_its_launch(
    items: list[dict[str, Any]], events: list[dict[str, Any]]
) -> None:
    launch = {item["id"]: item.get("available_from", "") for item in items}
    assert all(event["ts"] >= launch[item_id] for event in events for item_id in touched(event))


def test_seasons_move_what_is_looked_at() -> None:
    store = make_sample_store(spec=BIRCH_SHOES, size=FULL, ends_at=ENDS_AT, seed=7)
    season = {
        item["id"]: next(
            (name for name in ("Sandals", "Winter boots") if name in item["categories"][0]), ""
        )
        for item in store.items()
    }
    looks = Counter(
        (moment(event).month, season[event["item_id"]])
        for event in store.events()
        if event["type"] == "view"
    )
    # Sandals against winter boots: a few times more in May than in January.
    january = looks[1, "Sandals"] / looks[1, "Winter boots"]
    may = looks[5, "Sandals"] / looks[5, "Winter boots"]
    assert may > 4 * january


def test_evenings_sundays_and_growth_show(events: list[dict[str, Any]]) -> None:
    times = [moment(event) for event in events]
    hours = Counter(time.hour for time in times)
    weekdays = Counter(time.weekday() for time in times)
    assert hours[20] > 10 * hours[3]
    assert weekdays[6] > 1.2 * weekdays[4]
    first = sum(time < ENDS_AT - timedelta(days=150) for time in times)
    last = sum(time >= ENDS_AT - timedelta(days=30) for time in times)
    assert last > 1.5 * first


def test_accessories_go_along_and_some_are_bought_again(
    items: list[dict[str, Any]], events: list[dict[str, Any]]
) -> None:
    extras = {item["id"] for item in items if item["categories"][0][:5] in ("Gifts", "Acces")}
    orders = [event for event in events if event["type"] == "purchase"]
    extra_lines = [len(extras.intersection(touched(event))) for event in orders]
    mixed = sum(
        0 < extra < len(event["items"]) for extra, event in zip(extra_lines, orders, strict=True)
    )
    assert mixed > len(orders) / 10
    bought = Counter(
        (event.get("user_id") or event["anonymous_id"], item_id)
        for event in orders
        for item_id in touched(event)
        if item_id in extras
    )
    assert sum(count > 1 for count in bought.values()) > 100
