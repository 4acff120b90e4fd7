"""What an order was about, for a refund that names the order alone."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from django.db import connection

_LINES = """
    SELECT event.order_id, ref.ref, sum(coalesce(event.quantity, 1))::text
    FROM engine_event AS event JOIN engine_itemref AS ref ON ref.id = event.item_ref_id
    WHERE event.order_id = ANY(%s) AND event.type = 'purchase'
    GROUP BY event.order_id, ref.ref
    ORDER BY event.order_id, ref.ref
"""


def order_lines(order_ids: Collection[str]) -> Mapping[str, list[dict[str, Any]]]:
    """Return the lines of orders as an event carries them, inside `in_environment`."""
    lines: dict[str, list[dict[str, Any]]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_LINES, [sorted(order_ids)])
        for order_id, item_id, quantity in cursor:
            lines.setdefault(order_id, []).append({"id": item_id, "quantity": quantity})
    return lines
