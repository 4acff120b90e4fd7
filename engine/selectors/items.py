"""Reads the catalogue as the API shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import orjson
from django.db import connection

from engine.rows.item_change import DEFAULTS

# In the order of the contract.
MEMBERS = ("title", *DEFAULTS)
_COLUMNS = ", ".join(MEMBERS)
_BY_ID = f"""
    SELECT {_COLUMNS}, deleted_at, change_seq, item_id FROM engine_item WHERE item_id = ANY(%s)
"""  # noqa: S608  # made of constants
_PAGE = f"""
    SELECT {_COLUMNS}, item_id FROM engine_item
    WHERE deleted_at IS NULL AND item_id > %s ORDER BY item_id LIMIT %s
"""  # noqa: S608  # made of constants
# A scalar subquery, so that it stays look-ups by index (see engine/services/store_events.py).
_HOLDERS = """
    SELECT sent.ref, (
        SELECT item.item_id
        FROM engine_itemref AS ref JOIN engine_item AS item ON item.id = ref.item_id
        WHERE ref.ref = sent.ref AND item.deleted_at IS NULL
    )
    FROM unnest(%s::text[]) AS sent (ref)
"""
_MONEY = ("price", "list_price")
_TIMES = ("available_from", "available_until", "source_updated_at")


def stored_items(item_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return items by id, deleted ones too, with the columns that writing needs."""
    with connection.cursor() as cursor:
        cursor.execute(
            _BY_ID,
            [list(item_ids)],
        )
        names = (*MEMBERS, "deleted_at", "change_seq")
        return {row[-1]: _parsed(dict(zip(names, row, strict=False))) for row in cursor}


def alias_holders(refs: Sequence[str]) -> dict[str, str]:
    """Return the id of the living item that each text names, by text."""
    if not refs:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_HOLDERS, [list(refs)])
        return {ref: item_id for ref, item_id in cursor if item_id is not None}


def item_body(item_id: str) -> dict[str, Any] | None:
    """Return an item as the contract shows it, or None where there is none."""
    item = stored_items([item_id]).get(item_id)
    if item is None or item["deleted_at"] is not None:
        return None
    return as_body(item_id, item)


def item_page(*, after: str | None, limit: int) -> list[dict[str, Any]]:
    """Return items in the order of their ids, one more than the limit where there are more."""
    with connection.cursor() as cursor:
        cursor.execute(
            _PAGE,
            [after or "", limit + 1],
        )
        return [as_body(row[-1], _parsed(dict(zip(MEMBERS, row, strict=False)))) for row in cursor]


def as_body(item_id: str, item: Mapping[str, Any]) -> dict[str, Any]:
    """Return the members of an item as JSON has them: money and times are texts."""
    body = {"id": item_id} | {name: item[name] for name in MEMBERS}
    for name in _MONEY:
        body[name] = money(item[name])
    for name in _TIMES:
        body[name] = moment(item[name])
    return body


def money(amount: Decimal | None) -> str | None:
    """Return an amount with the decimals it needs, at least two.

    >>> money(Decimal("12.9000")), money(Decimal("0.1250"))
    ('12.90', '0.125')
    """
    if amount is None:
        return None
    whole, _, fraction = f"{amount:f}".partition(".")
    return f"{whole}.{fraction.rstrip('0').ljust(2, '0')}"


def moment(at: datetime | None) -> str | None:
    """Return a time in UTC as RFC 3339 writes it.

    >>> moment(datetime(2024, 5, 1, 11, 2, 11, tzinfo=UTC))
    '2024-05-01T11:02:11Z'
    """
    return None if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _parsed(item: dict[str, Any]) -> dict[str, Any]:
    item["attributes"] = orjson.loads(item["attributes"])
    return item
