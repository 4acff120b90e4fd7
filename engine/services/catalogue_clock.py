"""The clock that numbers an environment's catalogue writes, so that serving reads what changed.

Its row is locked before a writer reads anything and moved only when something was written: the
lock makes the order of commits the order of numbers, and a batch without changes wakes nobody.
"""

from __future__ import annotations

from django.db import connection

from tenants.context import on_platform


def lock_clock(*, environment_id: int) -> int:
    """Wait for other writers of the catalogue and return the number that this write will have."""
    with on_platform(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT change_seq + 1 FROM tenants_catalogueclock WHERE environment_id = %s "
            "FOR UPDATE",
            [environment_id],
        )
        return int(cursor.fetchone()[0])


def move_clock(*, environment_id: int, change_seq: int, has_new_attributes: bool = False) -> None:
    """Publish, at commit, that rows with this number exist.

    Parameters
    ----------
    has_new_attributes
        Whether answers show other attributes from now on, or filters may name others, so that
        serving reads them anew.
    """
    with on_platform(), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE tenants_catalogueclock "
            "SET change_seq = %s, shown_seq = greatest(shown_seq, %s) WHERE environment_id = %s",
            [change_seq, change_seq if has_new_attributes else 0, environment_id],
        )
