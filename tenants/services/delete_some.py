"""Deletes rows of the platform a step at a time, since those of a busy day would be locked long."""

from __future__ import annotations

from typing import Any, LiteralString

from django.db import connection

from tenants.context import on_platform


def delete_some(
    *,
    table: LiteralString,
    condition: LiteralString,
    parameters: list[Any],
    order: LiteralString,
    most: int,
) -> int:
    """Delete up to `most` rows that nobody else holds; asked again, it deletes the next ones.

    Parameters
    ----------
    table
        Of the public schema, with an `id`.
    condition, parameters
        SQL of the rows that may go.
    order
        The column by which they go, the least first.
    most
        Few enough that nothing waits for their locks.

    Returns
    -------
    int
        How many went.
    """
    with on_platform(), connection.cursor() as cursor:
        # An array, since a plan may run what stands behind IN once for each row, LIMIT and all.
        cursor.execute(
            f"DELETE FROM {table} WHERE id = ANY(ARRAY("  # noqa: S608  # made of constants
            f"SELECT id FROM {table} WHERE {condition} "
            f"ORDER BY {order} LIMIT %s FOR UPDATE SKIP LOCKED))",
            [*parameters, most],
        )
        return int(cursor.rowcount)
