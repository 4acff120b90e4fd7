"""Whether the catalogue knows the text by which an event names an item."""

from __future__ import annotations

# Of a row with an `item_ref_id`: its text is an item's id, one of its aliases, or a group's id. A
# scalar subquery stays a look-up by index, where a join might read all texts for its hash.
IS_KNOWN = """(
    SELECT ref.item_id IS NOT NULL OR (
        SELECT true FROM engine_item
        WHERE group_id = ref.ref AND deleted_at IS NULL LIMIT 1
    ) IS NOT NULL
    FROM engine_itemref AS ref WHERE ref.id = item_ref_id
)"""
