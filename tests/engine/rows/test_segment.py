"""Segment payloads as its libraries send them."""

from __future__ import annotations

from typing import Any

import pytest

from engine.rows.collected import Collected
from engine.rows.segment import ALIAS, IDENTIFY, TYPES, read_segment
from saas.lib.errors import InvalidParameter

# The example of the e-commerce spec, in the envelope of a track call.
ORDER: dict[str, Any] = {
    "type": "track",
    "event": "Order Completed",
    "messageId": "ajs-next-1700000000-0001",
    "userId": "ada",
    "anonymousId": "507f191e810c19729de860ea",
    "timestamp": "2023-11-14T22:13:20.123Z",
    "sentAt": "2023-11-14T22:13:21.000Z",
    "writeKey": "wk",
    "integrations": {"All": True},
    "context": {"library": {"name": "analytics.js"}, "page": {"path": "/"}, "sessionId": 17},
    "properties": {
        "checkout_id": "fksdjfsdjfisjf9sdfjsd9f",
        "order_id": "50314b8e9bcf000000000000",
        "affiliation": "Google Store",
        "total": 27.5,
        "revenue": 25.0,
        "shipping": 3,
        "currency": "USD",
        "products": [
            {
                "product_id": "507f1f77bcf86cd799439011",
                "sku": "45790-32",
                "name": "Monopoly: 3rd Edition",
                "price": 19,
                "quantity": 1,
                "category": "Games",
            },
            {"sku": "46493-32", "price": 3, "quantity": 2},
        ],
    },
}


def only(body: dict[str, Any]) -> Collected:
    (event,) = read_segment(body).events
    return event


def test_an_order_is_one_event_with_a_line_for_each_product() -> None:
    event = only(ORDER)
    assert event.row == {
        "type": "purchase",
        "user_id": "ada",
        "anonymous_id": "507f191e810c19729de860ea",
        "session_id": "17",
        "event_id": "ajs-next-1700000000-0001",
        "ts": "2023-11-14T22:13:20.123Z",
        "order_id": "50314b8e9bcf000000000000",
        "value": 25.0,
        "currency": "USD",
        "items": [
            {"id": "507f1f77bcf86cd799439011", "quantity": 1, "price": 19},
            {"id": "46493-32", "quantity": 2, "price": 3},
        ],
    }
    assert event.pointers["order_id"] == "/properties/order_id"


@pytest.mark.parametrize("name", [name for name in TYPES if "Products" not in name])
def test_every_name_of_the_table_has_our_type(name: str) -> None:
    table = {
        "Product List Viewed": "impression",
        "Product List Filtered": "impression",
        "Product Clicked": "click",
        "Product Viewed": "view",
        "Product Added to Wishlist": "wishlist",
        "Wishlist Product Added to Cart": "cart",
        "Product Added": "cart",
        "Product Removed": "uncart",
        "Order Completed": "purchase",
        "Order Refunded": "refund",
        "Order Cancelled": "refund",
    }
    message = {"type": "track", "anonymousId": "a", "event": name}
    event = only({"batch": [{**message, "properties": {"sku": "G-32", "quantity": 1}}]})
    assert event.row == {
        "type": table[name],
        "anonymous_id": "a",
        "item_id": "G-32",
        "quantity": 1,
    }
    assert event.pointers["item_id"] == "/batch/0/properties/sku"


def test_a_search_and_a_category_are_about_no_item() -> None:
    searched = {"event": "Products Searched", "properties": {"query": "blue hotpants"}}
    listed = {"event": "Product List Viewed", "properties": {"category": "Deals"}}
    rows = [event.row for event in read_segment({"batch": [searched, listed]}).events]
    assert rows == [
        {"type": "search", "query": "blue hotpants"},
        {"type": "category_view", "category": "Deals"},
    ]


def test_an_identify_with_both_ids_says_who_is_who() -> None:
    message = {"type": "identify", "userId": 97980, "anonymousId": "a", "traits": {"name": "Ada"}}
    assert only(message).row == {"type": IDENTIFY, "user_id": "97980", "anonymous_id": "a"}


def test_an_alias_says_whom_an_older_id_was() -> None:
    message = {"type": "alias", "previousId": "visitor", "userId": "ada", "messageId": "m"}
    assert only(message).row == {
        "type": ALIAS,
        "user_id": "ada",
        "anonymous_id": "visitor",
        "event_id": "m",
    }


def test_traits_describe_a_user_but_say_not_who_it_is() -> None:
    traits = {
        "plan": "gold",
        "sizes": [38, 39],
        "is_member": True,
        "email": "ada@example.org",
        "address": {"city": "London"},
        "last_order": {"id": 7},
        "nickname": None,
        "note": "a\0b",
    }
    at = "2023-11-14T22:13:20Z"
    batch = [
        {"type": "page", "anonymousId": "a"},
        {"type": "identify", "userId": "ada", "timestamp": at, "traits": traits},
        {"type": "identify", "userId": "bob", "traits": {"email": "bob@example.org"}},
    ]
    assert read_segment({"batch": batch}).users == {
        1: {
            "id": "ada",
            "attributes": {"plan": "gold", "sizes": [38, 39], "is_member": True},
            "source_updated_at": at,
        }
    }


def test_what_is_about_no_item_is_named_and_left_out() -> None:
    batch = [
        {"type": "page", "name": "Home", "anonymousId": "a"},
        {"type": "identify", "userId": None, "anonymousId": "a"},
        {"type": "track", "event": "Signed Up", "userId": "ada"},
        {"type": "screen", "name": "Home", "userId": "ada"},
        {"type": "group", "groupId": "g", "userId": "ada"},
        {"type": "alias", "userId": "ada"},
        ORDER,
    ]
    payload = read_segment({"batch": batch})
    assert [event.index for event in payload.events] == [6]
    assert [warning.pointer for warning in payload.warnings] == [
        f"/batch/{index}" for index in range(6)
    ]


def test_the_senders_clock_is_compared_unless_a_relay_has_done_it() -> None:
    assert read_segment(ORDER).sent_at is not None
    assert read_segment({**ORDER, "receivedAt": "2023-11-14T22:13:22Z"}).sent_at is None
    with pytest.raises(InvalidParameter, match="'sentAt' is 'soon'"):
        read_segment({**ORDER, "sentAt": "soon"})
