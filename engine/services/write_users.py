"""Writes users, one or a thousand: attributes, and whether they object to personalisation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson
from django.db import connection
from django.utils import timezone

from engine.rows.reading import Place
from engine.rows.results import WriteResult, check_batch_size
from engine.rows.user_row import UserChange, UserRow, decide_user, read_user_row
from engine.selectors.users import stored_users
from engine.services.catalogue_clock import lock_clock, move_clock
from saas.lib.errors import InvalidObject, NotFound
from tenants.models.environment import Environment

# Known from events or not, a user is one row. The sequence is spared as in store_events.py.
_UPSERT = """
    WITH sent AS (
        SELECT * FROM jsonb_to_recordset(%s::jsonb) AS row (
            external_id text, attributes jsonb, personalise boolean,
            source_updated_at timestamptz, deleted_at timestamptz
        )
    ), changed AS (
        UPDATE engine_shopper AS stored
        SET attributes = sent.attributes, personalise = sent.personalise,
            source_updated_at = sent.source_updated_at, deleted_at = sent.deleted_at,
            updated_at = %s, change_seq = %s
        FROM sent
        WHERE stored.kind = 'user' AND stored.external_id = sent.external_id
        RETURNING stored.external_id
    )
    INSERT INTO engine_shopper (kind, external_id, attributes, personalise, source_updated_at,
        deleted_at, created_at, updated_at, change_seq)
    SELECT 'user', external_id, attributes, personalise, source_updated_at, deleted_at, %s, %s, %s
    FROM sent
    WHERE external_id NOT IN (SELECT external_id FROM changed)
    ORDER BY external_id
    ON CONFLICT (kind, external_id) DO UPDATE
    SET attributes = EXCLUDED.attributes, personalise = EXCLUDED.personalise,
        source_updated_at = EXCLUDED.source_updated_at, deleted_at = EXCLUDED.deleted_at,
        updated_at = EXCLUDED.updated_at, change_seq = EXCLUDED.change_seq
"""


def write_users(
    *, environment: Environment, rows: Sequence[Any], is_atomic: bool = False
) -> WriteResult:
    """Write a batch of users, inside `in_environment`; rows of one user apply in their order.

    Parameters
    ----------
    environment
        Whose shoppers.
    rows
        At most 1,000 users as they were sent; ``{"id": …, "deleted": true}`` deletes.
    is_atomic
        Whether one bad row refuses them all.

    Returns
    -------
    WriteResult
        Counts, and an error for each thing wrong with a rejected row.

    Raises
    ------
    BatchTooLarge
        More than 1,000 rows.
    RowsRejected
        Every row was bad, or one of an atomic batch; nothing was written.
    """
    check_batch_size(len(rows), name="users")
    result = WriteResult()
    read: list[UserRow] = []
    for index, row in enumerate(rows):
        user_row = read_user_row(row, _place(index, row))
        if isinstance(user_row, UserRow):
            read.append(user_row)
        else:
            result.reject(user_row)
    if result.rejected and (is_atomic or not read):
        result.accepted = len(read)
        result.raise_if_refused(is_atomic=is_atomic)
    for change in _write(environment, read):
        result.count(change.outcome)
    return result


def patch_user(*, environment: Environment, user_id: str, members: Mapping[str, Any]) -> None:
    """Merge members into a user; one that nobody has seen is created.

    Raises
    ------
    InvalidObject
        A member is bad, or the body names another user.
    """
    row = read_user_row({"id": user_id, **members}, Place(noun="User", id=user_id))
    if not isinstance(row, UserRow):
        raise InvalidObject(row[0].detail, errors=row)
    if row.id != user_id:
        raise InvalidObject(
            f"The path names user '{user_id}' and the body '{row.id}'; send one of them.",
            pointer="/id",
        )
    _write(environment, [row])


def delete_user(*, environment: Environment, user_id: str) -> None:
    """Delete what the store said about a user; the events stay (erasing them is another call).

    Raises
    ------
    NotFound
        There is no such user.
    """
    (change,) = _write(environment, [UserRow(id=user_id, values={}, is_deletion=True)])
    if change.outcome != "deleted":
        raise NotFound(f"There is no user '{user_id}'.")


def _write(environment: Environment, rows: Sequence[UserRow]) -> list[UserChange]:
    """Decide and write rows; serving reads them in the order of the catalogue's clock."""
    if not rows:
        return []
    now = timezone.now()
    change_seq = lock_clock(environment_id=environment.pk)
    current: dict[str, Mapping[str, Any]] = dict(stored_users(list({row.id for row in rows})))
    touched: set[str] = set()
    changes = []
    for row in rows:
        change = decide_user(stored=current.get(row.id), row=row)
        changes.append(change)
        if change.user is not None:
            deleted_at = now if change.outcome == "deleted" else None
            current[row.id] = {**change.user, "deleted_at": deleted_at}
            touched.add(row.id)
    if touched:
        _store(
            [{"external_id": user_id, **current[user_id]} for user_id in sorted(touched)],
            change_seq=change_seq,
            now=now,
        )
        move_clock(environment_id=environment.pk, change_seq=change_seq)
    return changes


def _store(records: list[dict[str, Any]], *, change_seq: int, now: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            _UPSERT, [orjson.dumps(records).decode(), now, change_seq, now, now, change_seq]
        )


def _place(index: int, row: Any) -> Place:
    user_id = row.get("id") if isinstance(row, dict) else None
    return Place(
        noun="User",
        pointer=f"/users/{index}",
        index=index,
        id=user_id[:256] if isinstance(user_id, str) else None,
    )
