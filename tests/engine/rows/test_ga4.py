"""Google Analytics 4 payloads as shops send them."""

from __future__ import annotations

from typing import Any

import pytest

from engine.rows.collected import Collected
from engine.rows.ga4 import TYPES, read_ga4

# The Measurement Protocol's own example of a purchase, with the members of its reference.
PURCHASE: dict[str, Any] = {
    "client_id": "1234567890.1700000000",
    "user_id": "ada",
    "timestamp_micros": "1700000000000000",
    "non_personalized_ads": False,
    "user_properties": {"tier": {"value": "gold"}},
    "events": [
        {
            "name": "purchase",
            "params": {
                "session_id": 1700000000,
                "engagement_time_msec": "100",
                "currency": "USD",
                "transaction_id": "T_12345",
                "value": 12.21,
                "coupon": "SUMMER_FUN",
                "shipping": 3.33,
                "tax": 1.11,
                "items": [
                    {
                        "item_id": "SKU_12345",
                        "item_name": "Stan and Friends Tee",
                        "affiliation": "Google Merchandise Store",
                        "index": 0,
                        "item_brand": "Google",
                        "item_category": "Apparel",
                        "item_list_id": "related_products",
                        "item_variant": "green",
                        "price": 9.99,
                        "quantity": 1,
                    },
                    {"item_id": 12346, "price": "2.22", "quantity": 1},
                ],
            },
        }
    ],
}
ITEMS = [{"item_id": "SKU_1", "item_name": "Tee"}]


def only(body: dict[str, Any]) -> Collected:
    (event,) = read_ga4(body).events
    return event


def test_a_purchase_is_one_event_with_a_line_for_each_item() -> None:
    event = only(PURCHASE)
    assert event.row == {
        "type": "purchase",
        "user_id": "ada",
        "anonymous_id": "1234567890.1700000000",
        "session_id": "1700000000",
        "ts": "2023-11-14T22:13:20+00:00",
        "order_id": "T_12345",
        "value": 12.21,
        "currency": "USD",
        "items": [
            {"id": "SKU_12345", "quantity": 1, "price": 9.99},
            {"id": "12346", "quantity": 1, "price": "2.22"},
        ],
    }
    assert event.pointers["order_id"] == "/events/0/params/transaction_id"
    assert event.pointers["anonymous_id"] == "/client_id"


@pytest.mark.parametrize("name", [name for name in TYPES if "search" not in name])
def test_every_name_of_the_table_has_our_type(name: str) -> None:
    table = {
        "view_item_list": "impression",
        "view_promotion": "impression",
        "select_promotion": "click",
        "select_item": "click",
        "view_item": "view",
        "add_to_wishlist": "wishlist",
        "add_to_cart": "cart",
        "remove_from_cart": "uncart",
        "purchase": "purchase",
        "refund": "refund",
    }
    event = only({"client_id": "1.2", "events": [{"name": name, "params": {"items": ITEMS}}]})
    assert event.row["type"] == table[name]
    assert event.row["items"] == [{"id": "SKU_1"}]


@pytest.mark.parametrize(
    "event",
    [
        {"name": "select_item", "params": {"item_list_id": "home", "items": ITEMS}},
        ["event", "select_item", {"item_list_id": "home", "items": ITEMS}],
        {"event": "select_item", "ecommerce": {"item_list_id": "home", "items": ITEMS}},
    ],
)
def test_gtag_and_the_data_layer_say_the_same(event: Any) -> None:
    row = only({"client_id": "1.2", "events": [event]}).row
    assert row == {
        "type": "click",
        "anonymous_id": "1.2",
        "placement": "home",
        "items": [{"id": "SKU_1"}],
    }


def test_one_event_alone_brings_its_own_ids() -> None:
    body = {"event": "view_item", "ecommerce": {"items": ITEMS}, "client_id": "1.2"}
    event = only(body)
    assert (event.row["anonymous_id"], event.pointers["items"]) == ("1.2", "/ecommerce/items")


def test_an_events_own_time_goes_before_the_requests() -> None:
    event = {"name": "search", "params": {"search_term": "pan"}, "timestamp_micros": 0}
    row = only({"client_id": "1.2", "timestamp_micros": 5, "events": [event]}).row
    assert row == {
        "type": "search",
        "anonymous_id": "1.2",
        "ts": "1970-01-01T00:00:00+00:00",
        "query": "pan",
    }


def test_what_is_about_no_item_is_named_and_left_out() -> None:
    body = {"client_id": "1.2", "events": [{"name": "page_view"}, PURCHASE["events"][0]]}
    payload = read_ga4(body)
    assert [event.index for event in payload.events] == [1]
    (warning,) = payload.warnings
    assert (warning.index, warning.pointer, warning.code) == (0, "/events/0", "event_ignored")


@pytest.mark.parametrize("micros", [True, "soon", 10**18, -1, 1.5, {}])
def test_a_time_that_is_none_is_left_for_the_reader_to_refuse(micros: Any) -> None:
    body = {"client_id": "1.2", "name": "view_item", "timestamp_micros": micros}
    assert only(body).row["ts"] is micros


def test_every_ecommerce_event_of_ga4_is_taken_or_named() -> None:
    checkout = ["view_cart", "begin_checkout", "add_shipping_info", "add_payment_info"]
    names = [*TYPES, *checkout, "generate_lead"]
    params = {"items": ITEMS, "search_term": "tee", "transaction_id": "T_1"}
    payload = read_ga4({"events": [{"name": name, "params": params} for name in names]})
    # A checkout says again what its cart said.
    assert [event.index for event in payload.events] == list(range(len(TYPES)))
    assert [warning.index for warning in payload.warnings] == [
        len(TYPES) + index for index in range(5)
    ]


def test_a_promotion_of_no_items_is_named_and_left_out() -> None:
    event = {"name": "select_promotion", "params": {"promotion_id": "P_1"}}
    payload = read_ga4({"client_id": "1.2", "events": [event]})
    assert (payload.events, payload.warnings[0].code) == ([], "event_ignored")
