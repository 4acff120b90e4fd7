"""Pages of a list by keyset, in a stable order: `?limit=1..500&cursor=`."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import orjson
from rest_framework.request import Request

from saas.lib.errors import InvalidParameter

PAGE_PARAMETERS = frozenset({"limit", "cursor"})
DEFAULT_LIMIT = 100
MAX_LIMIT = 500

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class PageRequest:
    """What a client asks for: `after` is the sort key of the last row it has seen."""

    limit: int
    after: tuple[Any, ...] | None


def page_request(request: Request, *, key_types: tuple[type, ...]) -> PageRequest:
    """Return the page that the query asks for.

    Parameters
    ----------
    key_types
        The JSON types of the sort key's parts, which a cursor of this list must have.

    Raises
    ------
    InvalidParameter
        `limit` is out of range or `cursor` is not one of ours.
    """
    query = request.query_params
    text = query.get("limit", str(DEFAULT_LIMIT))
    is_number = text.isascii() and text.isdigit() and len(text) <= len(str(MAX_LIMIT))
    if not (is_number and 1 <= int(text) <= MAX_LIMIT):
        raise InvalidParameter(
            f"'limit' is '{text[:20]}'; send a number from 1 to {MAX_LIMIT}.", pointer="?limit"
        )
    cursor = query.get("cursor")
    after = None if cursor is None else _after(cursor, key_types)
    return PageRequest(limit=int(text), after=after)


def page(
    rows: Sequence[Row],
    *,
    limit: int,
    key: Callable[[Row], tuple[Any, ...]],
    as_json: Callable[[Row], Any],
) -> dict[str, Any]:
    """Return the page's JSON from `limit + 1` rows: the one too many says that there is more."""
    has_more = len(rows) > limit
    shown = rows[:limit]
    return {
        "data": [as_json(row) for row in shown],
        "next_cursor": _cursor(key(shown[-1])) if has_more else None,
        "has_more": has_more,
    }


def _cursor(key: tuple[Any, ...]) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(key)).rstrip(b"=").decode()


def _after(cursor: str, key_types: tuple[type, ...]) -> tuple[Any, ...]:
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        key = orjson.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, binascii.Error):
        key = None
    # `type(…) is`: JSON's true would pass as an int.
    is_ours = isinstance(key, list) and [type(part) for part in key] == list(key_types)
    if key is None or not is_ours or any("\0" in part for part in key if isinstance(part, str)):
        raise InvalidParameter(
            "'cursor' is not one of ours; send 'next_cursor' of the page before.",
            pointer="?cursor",
        )
    return tuple(key)
