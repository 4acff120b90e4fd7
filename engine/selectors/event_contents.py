"""What a stored event says besides its type, time and lines: the columns and their members."""

from __future__ import annotations

EVENT_MEMBERS = (
    "user_id",
    "anonymous_id",
    "session_id",
    "order_id",
    "value",
    "currency",
    "query",
    "category",
    "recommendation_id",
    "placement",
    "context",
)
# Looked up by scalar subqueries: as joins, they would read the whole tables of shoppers and
# references wherever the planner believes them to be small (see engine.services.store_events).
ITEM_ID_COLUMN = "(SELECT ref FROM engine_itemref WHERE id = item_ref_id)"
# Of the members, in their order.
EVENT_COLUMNS = """
    (SELECT external_id FROM engine_shopper WHERE id = user_id AND kind = 'user'),
    (SELECT external_id FROM engine_shopper WHERE id = anonymous_id AND kind = 'anonymous'),
    session_id, order_id, value, currency, query, category, recommendation_id, placement, context
"""
