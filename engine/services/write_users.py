"""Writes users, one or a thousand: attributes, and whether they object to personalisation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any

import orjson
from django.db import connection, transaction
from django.utils import timezone
from redis.exceptions import RedisError

from engine.rows.reading import Place
from engine.rows.results import WriteResult, check_batch_size
from engine.rows.user_row import UserChange, UserRow, decide_user, read_user_row
from engine.selectors.users import stored_users
from engine.services.catalogue_clock import lock_clock, move_clock
from engine.services.forget_recent_events import forget_recent_events
from engine.services.refuse_erased import erased_error, erased_spans
from saas.lib.errors import FieldError, InvalidObject, NotFound
from saas.lib.recent_events import user_key
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
    *,
    environment: Environment,
    rows: Sequence[Any],
    is_atomic: bool = False,
    is_from_file: bool = False,
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
    is_from_file
        A file may be of any time: its row of an erased user must say that it is newer.

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
    read: dict[int, UserRow] = {}
    for index, row in enumerate(rows):
        user_row = read_user_row(row, _place(index, row))
        if isinstance(user_row, UserRow):
            read[index] = user_row
        else:
            result.reject(user_row)
    # The clock holds erasures off, too.
    change_seq = lock_clock(environment_id=environment.pk)
    for error in _of_erased(read, environment=environment, is_from_file=is_from_file):
        result.reject([error])
    if result.rejected and (is_atomic or not read):
        result.accepted = len(read)
        result.raise_if_refused(is_atomic=is_atomic)
    for change in _write(environment, list(read.values()), change_seq=change_seq):
        result.count(change.outcome)
    return result


def _of_erased(
    rows: dict[int, UserRow], *, environment: Environment, is_from_file: bool
) -> Iterator[FieldError]:
    """Take out what was said of users before they were erased, and say so of each row."""
    erased = erased_spans({user_key(row.id) for row in rows.values()}, environment=environment)
    for index, row in list(rows.items()):
        spans = erased.get(user_key(row.id), ())
        said_at = row.values.get("source_updated_at")
        is_old = is_from_file if said_at is None else any(span.holds(said_at) for span in spans)
        if spans and is_old:
            del rows[index]
            yield erased_error(
                Place(noun="User", pointer=f"/users/{index}", index=index),
                until=max(span.until for span in spans),
                way_out="send a newer source_updated_at where the customer came back",
            )


def patch_user(*, environment: Environment, user_id: str, members: Mapping[str, Any]) -> None:
    """Merge members into a user; one that nobody has seen is created.

    Raises
    ------
    InvalidObject
        A member is bad, the body names another user, or says what was true before an erasure.
    """
    row = read_user_row({"id": user_id, **members}, Place(noun="User", id=user_id))
    if not isinstance(row, UserRow):
        raise InvalidObject(row[0].detail, errors=row)
    if row.id != user_id:
        raise InvalidObject(
            f"The path names user '{user_id}' and the body '{row.id}'; send one of them.",
            pointer="/id",
        )
    change_seq = lock_clock(environment_id=environment.pk)
    for error in _of_erased({0: row}, environment=environment, is_from_file=False):
        raise InvalidObject(error.detail, errors=[replace(error, pointer="", index=None)])
    _write(environment, [row], change_seq=change_seq)


def delete_user(*, environment: Environment, user_id: str) -> None:
    """Delete what the store said about a user; the events stay (erasing them is another call).

    Raises
    ------
    NotFound
        There is no such user.
    """
    (change,) = _write(
        environment,
        [UserRow(id=user_id, values={}, is_deletion=True)],
        change_seq=lock_clock(environment_id=environment.pk),
    )
    if change.outcome != "deleted":
        raise NotFound(f"There is no user '{user_id}'.")


def _write(
    environment: Environment, rows: Sequence[UserRow], *, change_seq: int
) -> list[UserChange]:
    """Decide and write rows; serving reads them in the order of the catalogue's clock."""
    if not rows:
        return []
    now = timezone.now()
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
        _forget_deleted(environment, rows, changes)
    return changes


def _forget_deleted(
    environment: Environment, rows: Sequence[UserRow], changes: Sequence[UserChange]
) -> None:
    deleted = {
        user_key(row.id)
        for row, change in zip(rows, changes, strict=True)
        if change.outcome == "deleted"
    }

    def forget() -> None:
        # Serving reads of the deletion itself; without Redis there are no lists.
        with suppress(RedisError):
            forget_recent_events(environment_id=environment.pk, shopper_keys=deleted)

    if deleted:
        transaction.on_commit(forget)


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
