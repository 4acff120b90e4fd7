"""Reads payloads in Segment's form, which PostHog and RudderStack share: e-commerce spec v2.

https://segment.com/docs/connections/spec/ecommerce/v2/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from engine.rows.collected import Collected, Payload, Source, events_in, id_text, lines, source_of
from engine.rows.values import BadValue, read_attributes, read_time, shown
from saas.lib.errors import InvalidParameter

TYPES: Mapping[str, str] = MappingProxyType(
    {
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
        "Products Searched": "search",
    }
)
# Kept as events, so that they merge at their own time and a repeat is known by its messageId.
IDENTIFY = "custom:identify"
ALIAS = "custom:alias"
# Segment's reserved traits that say who somebody is: no recommendation gets better by them.
_PERSONAL_TRAITS = frozenset(
    {
        "address",
        "avatar",
        "birthday",
        "email",
        "firstName",
        "id",
        "lastName",
        "name",
        "phone",
        "username",
        "website",
    }
)
_LINE_NAMES: Mapping[str, Sequence[str]] = MappingProxyType(
    {"id": ("product_id", "sku"), "quantity": ("quantity",), "price": ("price",)}
)


def read_segment(body: Mapping[str, Any]) -> Payload:
    """Return the events of a payload: `{batch: […], sentAt}`, or one message alone.

    Raises
    ------
    InvalidParameter
        `batch` is no list, or `sentAt` no time.
    """
    payload = Payload(sent_at=_sent_at(body))
    for index, message, pointer in events_in(body, "batch"):
        own = source_of(message, pointer)
        kind = own.members.get("type", "track" if "event" in own.members else None)
        name = own.members.get("event") if kind == "track" else kind
        found = _collected(index, message, own)
        if kind == "track" and isinstance(name, str) and name in TYPES:
            _take_track(found, own, type_=TYPES[name])
        elif kind == "identify" and "user_id" in found.row:
            found.row["type"] = IDENTIFY
            _take_traits(payload, index, own, found.row)
        elif kind == "alias" and {"user_id", "anonymous_id"} <= found.row.keys():
            found.row["type"] = ALIAS
        elif isinstance(name, str):
            payload.ignore(index, pointer, name)
            continue
        payload.events.append(found)
    return payload


def _sent_at(body: Mapping[str, Any]) -> Any:
    """Return when the sender sent it; what a relay has received has its times set right."""
    sent_at = None if "receivedAt" in body else body.get("sentAt")
    try:
        return None if sent_at is None else read_time(sent_at)
    except BadValue as bad:
        raise InvalidParameter(
            f"'sentAt' is {shown(sent_at)}; {bad.advice}.", pointer="/sentAt"
        ) from None


def _collected(index: int, message: Any, own: Source) -> Collected:
    found = Collected(
        index=index,
        pointers={
            "": own.pointer,
            "type": f"{own.pointer}/event",
            "items": f"{own.pointer}/properties/products",
            "item_id": f"{own.pointer}/properties/product_id",
        },
        line_names={member: names[0] for member, names in _LINE_NAMES.items()},
    )
    if not isinstance(message, dict):
        found.row = message
        return found
    context = source_of(message.get("context"), f"{own.pointer}/context")
    found.take("user_id", ["userId"], own, read=id_text)
    found.take("anonymous_id", ["previousId", "anonymousId"], own, read=id_text)
    found.take("session_id", ["sessionId", "session_id"], context, read=id_text)
    found.take("user_token", ["user_token"], own, context)
    found.take("event_id", ["messageId"], own)
    found.take("ts", ["timestamp", "originalTimestamp"], own)
    return found


def _take_traits(payload: Payload, index: int, own: Source, row: Mapping[str, Any]) -> None:
    """Note what an identify says of its user, but for who that is and what has no plain form."""
    attributes = {
        name: value
        for name, value in source_of(own.members.get("traits"), "").members.items()
        if name not in _PERSONAL_TRAITS and value is not None and _is_attribute(name, value)
    }
    if attributes:
        described = {"id": row["user_id"], "attributes": attributes}
        payload.users[index] = described | ({"source_updated_at": row["ts"]} if "ts" in row else {})


def _is_attribute(name: str, value: Any) -> bool:
    try:
        read_attributes({name: value})
    except BadValue:
        return False
    return True


def _take_track(found: Collected, own: Source, *, type_: str) -> None:
    properties = source_of(own.members.get("properties"), f"{own.pointer}/properties")
    found.take("order_id", ["order_id"], properties, read=id_text)
    found.take("value", ["value", "revenue", "total"], properties)
    found.take("currency", ["currency"], properties)
    found.take("query", ["query"], properties)
    found.take("recommendation_id", ["recommendation_id"], properties)
    found.take("placement", ["list_id"], properties, read=id_text)
    found.take("items", ["products"], properties, read=lambda value: lines(value, _LINE_NAMES))
    if "items" not in found.row:
        found.take("item_id", _LINE_NAMES["id"], properties, read=id_text)
        found.take("quantity", ["quantity"], properties)
        found.take("price", ["price"], properties)
    if type_ == "impression" and not {"items", "item_id"} & found.row.keys():
        type_ = "category_view"
        found.take("category", ["category"], properties)
    found.row["type"] = type_
