"""A part of the catalogue that is spread over the whole of it and costs the same on any store."""

from __future__ import annotations

from django.db import connection

# At about 1 KB an item, catalogues of up to some 16,000 items are looked at whole.
MOST_PAGES = 2_000
# Pages that lie anywhere in the table, each time the same ones.
SAMPLE = "engine_item TABLESAMPLE SYSTEM (%s) REPEATABLE (0)"


def sampled_percent(most_pages: int | None = None) -> float:
    """Return how much of the catalogue's table a look takes in: 100 is all of it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_relation_size('engine_item') / current_setting('block_size')::int"
        )
        (pages,) = cursor.fetchone()
    return min(100.0, 100.0 * (most_pages or MOST_PAGES) / max(1, int(pages)))
