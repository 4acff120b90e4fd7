"""Reads Google Analytics 4 payloads: the Measurement Protocol's, gtag's and the data layer's.

https://developers.google.com/analytics/devguides/collection/ga4/reference/events
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

from engine.rows.collected import Collected, Payload, Source, events_in, id_text, lines, source_of

TYPES: Mapping[str, str] = MappingProxyType(
    {
        "view_item_list": "impression",
        "view_promotion": "impression",
        "select_item": "click",
        "select_promotion": "click",
        "view_item": "view",
        "add_to_wishlist": "wishlist",
        "add_to_cart": "cart",
        "remove_from_cart": "uncart",
        "purchase": "purchase",
        "refund": "refund",
        "search": "search",
        "view_search_results": "search",
    }
)
# A promotion need not be of items.
_MAY_LACK_ITEMS = frozenset({"view_promotion", "select_promotion"})
_LINE_NAMES: Mapping[str, Sequence[str]] = MappingProxyType(
    {"id": ("item_id",), "quantity": ("quantity",), "price": ("price",)}
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def read_ga4(body: Mapping[str, Any]) -> Payload:
    """Return the events of a payload: `{client_id, events: […]}`, or one event alone.

    Raises
    ------
    InvalidParameter
        `events` is no list.
    """
    payload = Payload()
    top = Source(body, "")
    for index, event, pointer in events_in(body, "events"):
        name, params = _name_and_params(event, pointer)
        is_ours = name in TYPES and (name not in _MAY_LACK_ITEMS or "items" in params.members)
        if isinstance(name, str) and not is_ours:
            payload.ignore(index, pointer, name)
            continue
        payload.events.append(
            _collected(index, event, pointer, type_=TYPES.get(name or ""), params=params, top=top)
        )
    return payload


def _name_and_params(event: Any, pointer: str) -> tuple[Any, Source]:
    match event:
        case ["event", name, *rest]:  # gtag('event', name, params)
            return name, source_of(rest[0] if rest else None, f"{pointer}/2")
        case {"event": name}:  # dataLayer.push({event, ecommerce})
            return name, source_of(event.get("ecommerce"), f"{pointer}/ecommerce")
        case {"name": name}:
            return name, source_of(event.get("params"), f"{pointer}/params")
    return None, Source({}, pointer)


def _collected(
    index: int, event: Any, pointer: str, *, type_: str | None, params: Source, top: Source
) -> Collected:
    found = Collected(
        index=index,
        pointers={
            "": pointer,
            "type": f"{pointer}/name",
            "items": f"{params.pointer}/items",
            "item_id": f"{params.pointer}/items",
        },
        line_names={member: own[0] for member, own in _LINE_NAMES.items()},
    )
    if not isinstance(event, dict | list):
        found.row = event
        return found
    found.row["type"] = type_
    own = source_of(event, pointer)
    found.take("user_id", ["user_id"], params, own, top, read=id_text)
    found.take("anonymous_id", ["client_id", "app_instance_id"], params, own, top, read=id_text)
    found.take("session_id", ["session_id", "ga_session_id"], params, own, top, read=id_text)
    found.take("user_token", ["user_token"], params, own, top)
    found.take("ts", ["timestamp_micros"], own, top, read=_time)
    found.take("order_id", ["transaction_id"], params, read=id_text)
    found.take("value", ["value"], params)
    found.take("currency", ["currency"], params)
    found.take("query", ["search_term"], params)
    found.take("recommendation_id", ["recommendation_id"], params)
    found.take("placement", ["item_list_id", "item_list_name"], params, read=id_text)
    found.take("items", ["items"], params, read=lambda value: lines(value, _LINE_NAMES))
    return found


def _time(micros: Any) -> Any:
    """Return microseconds since 1970, a number or its digits, as RFC 3339.

    >>> _time("1700000000000000")
    '2023-11-14T22:13:20+00:00'
    """
    text = str(micros)
    if isinstance(micros, bool) or not (text.isascii() and text.isdigit()) or len(text) > 18:
        return micros
    try:
        return (_EPOCH + timedelta(microseconds=int(text))).isoformat()
    except OverflowError:
        return micros
