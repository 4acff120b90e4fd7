"""What a model may learn from: whose events, of which items, with which weight."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from engine.models.shopper import Shopper
from engine.selectors.training_data import TrainingData, training_data
from engine.services.ingest_events import ingest_events
from engine.services.merge_users import merge_users
from engine.services.write_items import write_items
from engine.services.write_users import patch_user
from tenants.context import in_environment
from tenants.models.environment import Environment
from tests.engine.statements import tenant_statements

MONDAY = datetime(2026, 1, 5, 10, tzinfo=UTC)


@pytest.fixture
def store(acorn: Environment) -> Iterator[Environment]:
    """Acorn Books with a small catalogue, entered."""
    with in_environment(acorn):
        write_items(
            environment=acorn,
            rows=[
                {
                    "id": "pan-24",
                    "title": "Pan",
                    "categories": ["Kitchen"],
                    "price": "39.90",
                    "aliases": ["page-24"],
                    "attributes": {"colour": "red", "fits": ["gas", "oven"], "width": 24},
                },
                {"id": "lid-24", "title": "Lid", "in_stock": False, "group_id": "lids"},
                {"id": "lid-28", "title": "Lid", "group_id": "lids"},
            ],
        )
        yield acorn


def _send(store: Environment, *events: dict[str, Any]) -> None:
    rows = [
        {"type": "view", "ts": (MONDAY + timedelta(hours=hour)).isoformat()} | event
        for hour, event in enumerate(events)
    ]
    ingest_events(environment=store, rows=rows, received_at=MONDAY + timedelta(days=9))


def _facts(data: TrainingData) -> list[tuple[str, str, float]]:
    dataset, lines = data.dataset, data.dataset.interactions
    return [
        (dataset.user_keys[user], dataset.items[item].item_id, weight)
        for user, item, weight in zip(
            lines.user_index, lines.item_index, lines.weight.tolist(), strict=True
        )
    ]


def test_an_empty_store_has_an_empty_dataset(acorn: Environment) -> None:
    with in_environment(acorn):
        data = training_data()
    assert (len(data.dataset.interactions), len(data.dataset.items)) == (0, 0)
    assert data.change_seq == 0


def test_events_become_weighted_facts_in_the_order_of_time(store: Environment) -> None:
    _send(
        store,
        {"user_id": "ada", "item_id": "pan-24", "ts": "2026-01-06T10:00:00Z"},
        {"type": "purchase", "user_id": "ben", "order_id": "o", "item_id": "lid-28"},
        {"type": "impression", "user_id": "ben", "item_id": "pan-24"},
        {"type": "search", "user_id": "ben", "query": "pan"},
        {"type": "custom:wrap", "user_id": "ben", "item_id": "pan-24"},
    )
    data = training_data()
    assert _facts(data) == [("u:ben", "lid-28", 5.0), ("u:ada", "pan-24", 1.0)]
    lines = data.dataset.interactions
    assert lines.seconds.tolist() == [
        int((MONDAY + timedelta(hours=1)).timestamp()),
        int((MONDAY + timedelta(days=1)).timestamp()),
    ]
    assert lines.is_purchase.tolist() == [True, False]
    assert lines.user_index.dtype == np.int32


def test_aliases_and_groups_join_and_unknown_items_are_counted(store: Environment) -> None:
    _send(
        store,
        {"user_id": "ada", "item_id": "page-24"},
        {"user_id": "ada", "item_id": "lids"},
        {"user_id": "ada", "item_id": "pot-3l"},
    )
    data = training_data()
    assert _facts(data) == [("u:ada", "pan-24", 1.0), ("u:ada", "lid-24", 1.0)]
    assert data.unknown_item_lines == 1


def test_a_late_item_joins_the_events_before_it(store: Environment) -> None:
    _send(store, {"user_id": "ada", "item_id": "pot-3l"})
    write_items(environment=store, rows=[{"id": "pot-3l", "title": "Pot"}])
    assert _facts(training_data()) == [("u:ada", "pot-3l", 1.0)]


def test_a_visitor_counts_as_the_user_of_that_time(store: Environment) -> None:
    _send(
        store,
        {"anonymous_id": "tab", "item_id": "pan-24"},
        {"anonymous_id": "tab", "user_id": "ada", "item_id": "pan-24"},
        {"anonymous_id": "tab", "item_id": "lid-24"},
        {"anonymous_id": "tab", "user_id": "ben", "item_id": "lid-28"},
        {"anonymous_id": "tab", "item_id": "lid-28"},
        {"anonymous_id": "phone", "item_id": "lid-28"},
    )
    assert _facts(training_data()) == [
        ("u:ada", "pan-24", 1.0),
        ("u:ada", "pan-24", 1.0),
        ("u:ada", "lid-24", 1.0),
        ("u:ben", "lid-28", 1.0),
        ("u:ben", "lid-28", 1.0),
        ("a:phone", "lid-28", 1.0),
    ]


def test_each_visitor_has_links_of_its_own(store: Environment) -> None:
    _send(
        store,
        {"anonymous_id": "tab", "item_id": "pan-24"},
        {"anonymous_id": "phone", "item_id": "pan-24"},
        {"anonymous_id": "tab", "user_id": "ada", "item_id": "lid-24"},
        {"anonymous_id": "phone", "user_id": "ben", "item_id": "lid-28"},
    )
    assert _facts(training_data()) == [
        ("u:ada", "pan-24", 1.0),
        ("u:ben", "pan-24", 1.0),
        ("u:ada", "lid-24", 1.0),
        ("u:ben", "lid-28", 1.0),
    ]


def test_a_merge_takes_what_the_visitor_did_before(store: Environment) -> None:
    _send(store, {"anonymous_id": "tab", "item_id": "pan-24"})
    merge_users(environment=store, anonymous_id="tab", user_id="ada", now=MONDAY)
    assert _facts(training_data()) == [("u:ada", "pan-24", 1.0)]


def test_an_order_or_a_session_alone_teaches_without_a_profile(store: Environment) -> None:
    _send(
        store,
        {"type": "purchase", "order_id": "o-1", "items": [{"id": "pan-24"}, {"id": "lid-24"}]},
        {"session_id": "s-1", "item_id": "pan-24"},
    )
    data = training_data()
    pan, lid, session = _facts(data)
    assert pan[0] == lid[0] != session[0]
    assert {key[:2] for key in data.dataset.user_keys} == {"o:"}


def test_who_objects_gets_no_profile(store: Environment) -> None:
    _send(store, {"user_id": "ada", "item_id": "pan-24"}, {"user_id": "ben", "item_id": "pan-24"})
    patch_user(environment=store, user_id="ada", members={"personalise": False})
    keys = [key for key, _, _ in _facts(training_data())]
    assert (keys[0][:2], keys[1]) == ("o:", "u:ben")


def test_a_refund_of_the_order_takes_back_weight_and_purchase(store: Environment) -> None:
    bought = {"type": "purchase", "user_id": "ada", "order_id": "o-1"}
    _send(
        store,
        {**bought, "items": [{"id": "pan-24", "quantity": 2}, {"id": "lid-24", "quantity": 2}]},
        {
            "type": "refund",
            "order_id": "o-1",
            "items": [{"id": "pan-24", "quantity": 2}, {"id": "lid-24", "quantity": 1}],
        },
    )
    data = training_data()
    assert sorted(_facts(data)) == [
        # One of two lids: half of 5.
        ("u:ada", "lid-24", -2.5),
        ("u:ada", "lid-24", 5.0),
        ("u:ada", "pan-24", -5.0),
        ("u:ada", "pan-24", 5.0),
    ]
    lines = data.dataset.interactions
    kept = {
        data.dataset.items[item].item_id for item in lines.item_index[lines.is_purchase].tolist()
    }
    # Both pans went back, and one of two lids.
    assert kept == {"lid-24"}


def test_a_refund_takes_back_no_more_than_a_purchase_gave(store: Environment) -> None:
    _send(
        store,
        {"type": "purchase", "user_id": "ada", "order_id": "o-1", "item_id": "pan-24"},
        {"type": "refund", "user_id": "ada", "order_id": "o-1", "item_id": "pan-24", "quantity": 3},
        {"type": "refund", "user_id": "ada", "order_id": "old", "item_id": "lid-24"},
    )
    assert _facts(training_data()) == [
        ("u:ada", "pan-24", 5.0),
        ("u:ada", "pan-24", -5.0),
        ("u:ada", "lid-24", -5.0),
    ]


def test_an_uncart_takes_back_what_the_cart_gave(store: Environment) -> None:
    cart = {"user_id": "ada", "item_id": "pan-24"}
    _send(store, {**cart, "type": "cart", "event_id": "1"}, {**cart, "type": "uncart"})
    assert sum(weight for _, _, weight in _facts(training_data())) == 0


def test_the_catalogue_comes_with_what_features_are_made_of(store: Environment) -> None:
    items = {item.item_id: item for item in training_data().dataset.items}
    pan, lid, other_lid = items["pan-24"], items["lid-24"], items["lid-28"]
    assert (pan.title, pan.categories, pan.price) == ("Pan", ("Kitchen",), 39.9)
    assert pan.attributes == {"colour": "red", "fits": "gas|oven", "width": "24"}
    assert (pan.is_available, lid.is_available, other_lid.group_id) == (True, False, "lids")


def test_a_deleted_item_keeps_its_history_but_is_not_available(store: Environment) -> None:
    _send(store, {"user_id": "ada", "item_id": "pan-24"})
    before = training_data().change_seq
    write_items(environment=store, rows=[{"id": "pan-24", "deleted": True}])
    data = training_data()
    assert _facts(data) == [("u:ada", "pan-24", 1.0)]
    available = {item.item_id: item.is_available for item in data.dataset.items}
    assert available == {"pan-24": False, "lid-24": False, "lid-28": True}
    assert data.change_seq == before + 1


def test_another_store_learns_nothing_of_it(store: Environment, birch: Environment) -> None:
    _send(store, {"user_id": "ada", "item_id": "pan-24"})
    with in_environment(birch):
        data = training_data()
    assert (len(data.dataset.interactions), len(data.dataset.items)) == (0, 0)


def test_each_list_is_read_once(store: Environment) -> None:
    _send(store, *({"user_id": f"u{number}", "item_id": "pan-24"} for number in range(150)))
    with tenant_statements() as statements:
        data = training_data()
    assert len(data.dataset.interactions) == 150
    # The clock, the events' size, the events, items, references, links and shoppers.
    assert len(statements) == 7, statements


def test_a_partial_refund_of_an_unseen_order_leaves_what_was_not_given_back(
    store: Environment,
) -> None:
    bought = {"type": "purchase", "user_id": "ada", "quantity": 2}
    _send(
        store,
        {**bought, "order_id": "o-1", "item_id": "pan-24"},
        {**bought, "order_id": "o-2", "item_id": "lid-24"},
        {**bought, "type": "refund", "order_id": "unseen", "item_id": "lid-24"},
        {**bought, "type": "refund", "order_id": "unseen", "item_id": "pan-24", "quantity": 1},
    )
    lines = training_data().dataset.interactions
    # Of two pans one is left, of two lids none.
    assert lines.is_purchase.tolist() == [True, False, False, False]


def test_an_erased_shopper_has_no_name_left(store: Environment) -> None:
    _send(store, {"user_id": "ada", "item_id": "pan-24"}, {"user_id": "ben", "item_id": "pan-24"})
    Shopper.objects.filter(external_id="ada").update(deleted_at=MONDAY)
    keys = [key for key, _, _ in _facts(training_data())]
    assert (keys[0][:2], keys[1]) == ("o:", "u:ben")


def test_a_name_may_hold_any_character(store: Environment) -> None:
    names = ['a"b', "a\\b", "Zoë ]", "👟", "[1]"]
    _send(store, *({"user_id": name, "item_id": "pan-24"} for name in names))
    assert [key for key, _, _ in _facts(training_data())] == [f"u:{name}" for name in names]


def test_what_was_bought_together_is_known_without_a_shopper(store: Environment) -> None:
    _send(
        store,
        {"type": "purchase", "order_id": "o-1", "items": [{"id": "pan-24"}, {"id": "lid-24"}]},
        {"type": "purchase", "order_id": "o-1", "user_id": "ada", "item_id": "lid-28"},
        {"type": "purchase", "session_id": "s", "items": [{"id": "pan-24"}, {"id": "lid-28"}]},
        {"type": "purchase", "user_id": "ben", "item_id": "pan-24"},
        {"type": "purchase", "user_id": "ben", "item_id": "lid-24"},
        {"type": "cart", "user_id": "ben", "item_id": "lid-28"},
    )
    dataset = training_data().dataset
    together: dict[int, set[str]] = {}
    for basket, item in zip(
        dataset.baskets.basket.tolist(), dataset.baskets.item_index.tolist(), strict=True
    ):
        together.setdefault(basket, set()).add(dataset.items[item].item_id)
    assert sorted(map(sorted, together.values())) == [
        ["lid-24", "lid-28", "pan-24"],
        ["lid-24", "pan-24"],
        ["lid-28", "pan-24"],
    ]


def test_what_was_given_back_is_in_no_basket(store: Environment) -> None:
    _send(
        store,
        {
            "type": "purchase",
            "order_id": "o-1",
            "user_id": "ada",
            "items": [{"id": "pan-24"}, {"id": "lid-24"}],
        },
        {"type": "refund", "order_id": "o-1", "items": [{"id": "lid-24"}]},
    )
    dataset = training_data().dataset
    assert [dataset.items[row].item_id for row in dataset.baskets.item_index] == ["pan-24"]
