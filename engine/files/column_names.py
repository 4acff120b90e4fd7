"""Guesses what a column under another name holds, for a hint; no column is taken for the guess."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from difflib import get_close_matches
from types import MappingProxyType

from engine.rows.values import shown

_TIME, _TYPE, _ITEM, _USER = ("ts",), ("type",), ("item_id", "id"), ("user_id", "id")
_MEANT: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        **dict.fromkeys(("timestamp", "time", "date", "datetime", "created_at"), _TIME),
        **dict.fromkeys(("event_time", "event_timestamp", "occurred_at"), _TIME),
        **dict.fromkeys(("event", "event_type", "event_name", "action"), _TYPE),
        **dict.fromkeys(("sku", "item", "product", "product_id", "article_id"), _ITEM),
        **dict.fromkeys(("user", "customer", "customer_id", "email"), _USER),
        **dict.fromkeys(("visitor", "visitor_id", "client_id"), ("anonymous_id",)),
        **dict.fromkeys(("item_id", "user_id"), ("id",)),
        **dict.fromkeys(("name", "product_name"), ("title",)),
        "order": ("order_id",),
        "session": ("session_id",),
        "qty": ("quantity",),
    }
)


def meant_by(column: str, fields: Collection[str]) -> str | None:
    """Return the field that a column was probably meant to be.

    >>> meant_by("Timestamp", {"ts", "type"}), meant_by("sku", {"id", "title"})
    ('ts', 'id')
    """
    name = column.strip().lower().replace(" ", "_")
    guesses = _MEANT.get(name) or get_close_matches(name, fields, n=1)
    return next((field for field in guesses if field in fields), None)


def left_out(column: str, *, kind: str, missing: Collection[str]) -> str:
    """Return what to say of a column that nothing is done with."""
    meant = meant_by(column, sorted(missing))
    hint = "" if meant is None else f" (did you mean '{meant}'?)"
    return (
        f"Column {shown(column)} is no field of {kind} and was left out{hint}; name it in "
        "'mapping' if it holds one."
    )
