"""Reads the cells of each kind of row: which field takes which form, and what an empty one says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Any, Literal

from engine.files.numbers import Numbers, read_currency_name
from engine.files.times import Times
from engine.files.words import read_stock, read_yes_or_no
from engine.rows.values import BadValue, read_url
from saas.lib.errors import BadRequest
from saas.lib.strict_json import parse_strict_json

Kind = Literal["items", "events", "users"]
CellReader = Callable[[Any], Any]


class Empty(Enum):
    """What an empty cell does."""

    CLEARS = "clears"
    LEAVES_ALONE = "leaves alone"
    IS_AN_ERROR = "is an error"


@dataclass(frozen=True, slots=True)
class Field:
    """A member of our row and how its cells are read; `read` is None for plain text."""

    read: CellReader | None = None
    empty: Empty = Empty.CLEARS


def fields_of(kind: Kind, times: Times, numbers: Numbers) -> Mapping[str, Field]:
    """Return the fields of a kind of row by name."""
    if kind == "users":
        return MappingProxyType(_users(times))
    fields = _items if kind == "items" else _events
    return MappingProxyType(fields(times, numbers))


def _items(times: Times, numbers: Numbers) -> dict[str, Field]:
    return {
        "id": Field(read_identifier, Empty.IS_AN_ERROR),
        "title": Field(empty=Empty.IS_AN_ERROR),
        "description": Field(),
        "categories": Field(read_paths),
        "brand": Field(),
        "price": Field(numbers.amount),
        "list_price": Field(numbers.amount),
        "currency": Field(read_currency_name),
        "in_stock": Field(read_stock, Empty.LEAVES_ALONE),
        "recommendable": Field(read_yes_or_no, Empty.LEAVES_ALONE),
        "available_from": Field(times.read),
        "available_until": Field(times.read),
        "url": Field(read_url),
        "image_url": Field(read_url),
        "group_id": Field(read_identifier),
        "aliases": Field(read_names),
        "attributes": Field(read_json),
        "source_updated_at": Field(times.read),
        "deleted": Field(read_yes_or_no, Empty.LEAVES_ALONE),
    }


def _users(times: Times) -> dict[str, Field]:
    return {
        "id": Field(read_identifier, Empty.IS_AN_ERROR),
        "attributes": Field(read_json),
        "personalise": Field(read_yes_or_no, Empty.LEAVES_ALONE),
        "source_updated_at": Field(times.read),
        "deleted": Field(read_yes_or_no, Empty.LEAVES_ALONE),
    }


def _events(times: Times, numbers: Numbers) -> dict[str, Field]:
    readers: dict[str, CellReader | None] = {
        **dict.fromkeys(("type", "query", "category", "placement")),
        **dict.fromkeys(("user_id", "anonymous_id", "session_id"), read_identifier),
        **dict.fromkeys(("item_id", "event_id", "order_id", "line_id"), read_identifier),
        "recommendation_id": read_identifier,
        "items": read_json,
        "quantity": numbers.count,
        "price": numbers.amount,
        "value": numbers.amount,
        "ts": times.read,
        "currency": read_currency_name,
        "context": read_json,
    }
    # An event has nothing to clear, and is the same one whether a sender leaves cells empty.
    return {name: Field(read, Empty.LEAVES_ALONE) for name, read in readers.items()}


def read_identifier(value: Any) -> Any:
    """Return an id as text; a column of numbers, with gaps as pandas writes them, is read.

    >>> read_identifier(17), read_identifier(17.0)
    ('17', '17')
    """
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return as_text(value)


def as_text(value: Any) -> Any:
    """Return a number as text; what is neither is refused later, as in a request."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return value


def read_names(value: Any) -> Any:
    """Return a list of texts separated by bars.

    >>> read_names("feed-17| 4006381333931 |")
    ['feed-17', '4006381333931']
    """
    if not isinstance(value, str):
        return value
    return [part for each in value.split("|") if (part := each.strip())]


def read_paths(value: Any) -> Any:
    """Return category paths, however their steps are spaced.

    >>> read_paths("Home>Kitchen | Gifts")
    ['Home > Kitchen', 'Gifts']
    """
    names = read_names(value)
    if not isinstance(value, str):
        return names
    paths = (
        " > ".join(part for each in name.split(">") if (part := each.strip())) for name in names
    )
    return [path for path in dict.fromkeys(paths) if path]


def read_json(value: Any) -> Any:
    """Return what a cell of JSON holds.

    >>> read_json('{"colour": "red"}')
    {'colour': 'red'}
    """
    if not isinstance(value, str):
        return value
    try:
        return parse_strict_json(value.encode())
    except BadRequest as error:
        raise BadValue(error.code, 'write JSON such as {"colour": "red"}') from None
