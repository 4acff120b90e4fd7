"""Writes items, one or a thousand, by one path: read, decide, and one statement for all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson
from django.db import connection
from django.utils import timezone

from engine.rows.alias_claims import AliasClaims, aliases_of
from engine.rows.item_change import ItemChange, Op, decide_item
from engine.rows.item_row import ItemRow, closed_window, read_item_row
from engine.rows.reading import Place
from engine.rows.results import WriteResult, check_batch_size
from engine.selectors.attributes import declared_types
from engine.selectors.items import MEMBERS, alias_holders, stored_items
from engine.services.catalogue_clock import lock_clock, move_clock
from engine.services.catalogue_room import CatalogueRoom
from engine.services.write_item_refs import write_item_refs
from saas.lib.errors import FieldError, InvalidObject, NotFound
from tenants.models.environment import Environment

_TYPES = {
    "categories": "text[]",
    "aliases": "text[]",
    "attributes": "jsonb",
    "price": "numeric",
    "list_price": "numeric",
    "in_stock": "boolean",
    "recommendable": "boolean",
    "available_from": "timestamptz",
    "available_until": "timestamptz",
    "source_updated_at": "timestamptz",
    "deleted_at": "timestamptz",
    "change_seq": "bigint",
}
_COLUMNS = ("item_id", *MEMBERS, "deleted_at", "change_seq")
_NAMES = ", ".join(_COLUMNS)
_UPSERT = f"""
    INSERT INTO engine_item ({_NAMES}, created_at, updated_at)
    SELECT {_NAMES}, %s, %s
    FROM jsonb_to_recordset(%s::jsonb)
        AS row ({", ".join(f"{name} {_TYPES.get(name, 'text')}" for name in _COLUMNS)})
    ON CONFLICT (item_id) DO UPDATE SET updated_at = EXCLUDED.updated_at,
        {", ".join(f"{name} = EXCLUDED.{name}" for name in _COLUMNS if name != "item_id")}
"""  # noqa: S608  # made of the constants above


def write_items(
    *,
    environment: Environment,
    rows: Sequence[Any],
    op: Op = "merge",
    is_atomic: bool = False,
    has_guessed_aliases: bool = False,
    now: datetime | None = None,
) -> WriteResult:
    """Write a batch of items, inside `in_environment`.

    Rows of one item apply in their order, so the last one wins where they disagree.

    Parameters
    ----------
    environment
        Whose catalogue.
    rows
        At most 1,000 items as they were sent; ``{"id": …, "deleted": true}`` deletes.
    op
        ``"merge"`` keeps the members that a row lacks, ``"replace"`` clears them.
    is_atomic
        Whether one bad row refuses them all.
    has_guessed_aliases
        Whether we read the aliases out of a shop's export, such as a barcode that variants may
        share: one that names another item is left out, where it would be refused otherwise.
    now
        The time of the write (default: the clock's).

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
    check_batch_size(len(rows), name="items")
    result = WriteResult()
    types = declared_types()
    read: list[tuple[Place, ItemRow]] = []
    for index, row in enumerate(rows):
        place = _place(index, row)
        item_row = read_item_row(row, place, types=types)
        if isinstance(item_row, ItemRow):
            read.append((place, item_row))
        else:
            result.reject(item_row)
    if read:
        writing = _Writing(
            environment=environment, rows=read, op=op, has_guessed_aliases=has_guessed_aliases
        )
        for decided in writing.decisions:
            if isinstance(decided, ItemChange):
                result.count(decided.outcome)
            else:
                result.reject(decided)
        result.raise_if_refused(is_atomic=is_atomic)
        writing.apply(now=now or timezone.now())
    result.raise_if_refused(is_atomic=is_atomic)
    return result


def put_item(*, environment: Environment, item_id: str, members: Mapping[str, Any]) -> bool:
    """Replace one item whole, and say whether it was created.

    Raises
    ------
    InvalidObject
        A member is bad, or the title is missing; each error points at its member.
    """
    return _write_one(environment, item_id, members, op="replace") == "created"


def patch_item(*, environment: Environment, item_id: str, members: Mapping[str, Any]) -> None:
    """Merge members into an item that exists; null clears one.

    Raises
    ------
    NotFound
        There is no such item.
    InvalidObject
        A member is bad; each error points at its member.
    """
    _write_one(environment, item_id, members, op="merge")


def delete_item(*, environment: Environment, item_id: str) -> None:
    """Delete an item; its events stay, and join again if it comes back.

    Raises
    ------
    NotFound
        There is no such item.
    """
    _write_one(environment, item_id, {"deleted": True}, op="merge")


def _write_one(
    environment: Environment, item_id: str, members: Mapping[str, Any], *, op: Op
) -> str:
    place = Place(noun="Item", id=item_id)
    row = read_item_row({"id": item_id, **members}, place, types=declared_types())
    if not isinstance(row, ItemRow):
        raise InvalidObject(row[0].detail, errors=row)
    if row.id != item_id:
        raise InvalidObject(
            f"The path names item '{item_id}' and the body '{row.id}'; send one of them.",
            pointer="/id",
        )
    writing = _Writing(environment=environment, rows=[(place, row)], op=op)
    stored = writing.stored.get(item_id)
    if op == "merge" and (stored is None or stored["deleted_at"] is not None):
        raise NotFound(f"There is no item '{item_id}'; PUT creates it.")
    (decided,) = writing.decisions
    if not isinstance(decided, ItemChange):
        raise InvalidObject(decided[0].detail, errors=decided)
    writing.apply(now=timezone.now())
    return decided.outcome


class _Writing:
    """One write: what is stored, what each row does to it, and the statements that do it.

    Attributes
    ----------
    decisions
        What each row does, or why it can do nothing.
    """

    def __init__(
        self,
        *,
        environment: Environment,
        rows: Sequence[tuple[Place, ItemRow]],
        op: Op,
        has_guessed_aliases: bool = False,
    ) -> None:
        self._environment = environment
        self._has_guessed_aliases = has_guessed_aliases
        self._change_seq = lock_clock(environment_id=environment.pk)
        self.stored = stored_items(list({row.id for _, row in rows}))
        self._claims = AliasClaims(alias_holders(self._new_aliases(row for _, row in rows)))
        self._room = CatalogueRoom(environment)
        self._current = dict(self.stored)
        self._touched: dict[str, bool] = {}
        self.decisions = [self._decide(place, row, op) for place, row in rows]

    def _new_aliases(self, rows: Iterable[ItemRow]) -> list[str]:
        aliases: set[str] = set()
        for row in rows:
            sent = row.values.get("aliases")
            if sent:
                aliases.update(set(sent) - aliases_of(self.stored.get(row.id)))
        return list(aliases)

    def _decide(self, place: Place, row: ItemRow, op: Op) -> ItemChange | list[FieldError]:
        stored = self._current.get(row.id)
        if self._has_guessed_aliases:
            row = self._claims.without_taken(row)
        change = decide_item(
            stored=stored, row=row, op=op, default_currency=self._environment.currency
        )
        if change.outcome == "untitled":
            return [_untitled(place, is_known=row.id in self.stored)]
        if change.item is None:
            return change
        errors = closed_window(row, change.item, place) + self._claims.refusal(
            row.id, before=aliases_of(stored), after=change.item["aliases"], place=place
        )
        if errors:
            return errors
        if change.outcome == "created" and not self._room.take():
            return [_no_room(place, limit=self._room.limit)]
        item = {**change.item, "deleted_at": change.outcome == "deleted" or None}
        self._claims.write(row.id, before=stored, after=item)
        self._current[row.id] = item
        is_changed = change.outcome != "unchanged"
        self._touched[row.id] = self._touched.get(row.id, False) or is_changed
        return change

    def apply(self, *, now: datetime) -> None:
        """Write what was decided; a batch that changes nothing leaves the clock alone."""
        if not self._touched:
            return
        records = [self._record(item_id, now=now) for item_id in sorted(self._touched)]
        with connection.cursor() as cursor:
            cursor.execute(_UPSERT, [now, now, orjson.dumps(records, default=str).decode()])
        write_item_refs(
            before=self.stored, after={item_id: self._current[item_id] for item_id in self._touched}
        )
        if any(self._touched.values()):
            move_clock(environment_id=self._environment.pk, change_seq=self._change_seq)

    def _record(self, item_id: str, *, now: datetime) -> dict[str, Any]:
        item = self._current[item_id]
        is_changed = self._touched[item_id]
        return {
            "item_id": item_id,
            **{name: item[name] for name in MEMBERS},
            "deleted_at": now if item["deleted_at"] else None,
            "change_seq": self._change_seq if is_changed else self.stored[item_id]["change_seq"],
        }


def _place(index: int, row: Any) -> Place:
    item_id = row.get("id") if isinstance(row, dict) else None
    return Place(
        noun="Item",
        pointer=f"/items/{index}",
        index=index,
        id=item_id[:256] if isinstance(item_id, str) else None,
    )


def _no_room(place: Place, *, limit: int | None) -> FieldError:
    sentence = f"is one too many: the plan has room for {limit}; delete others, or change the plan."
    return place.error("id", "catalogue_full", sentence)


def _untitled(place: Place, *, is_known: bool) -> FieldError:
    sentence = (
        "has no title; a replacement needs one, a merge keeps the stored one."
        if is_known
        else "is new and has no title; send the name that shoppers see."
    )
    return place.error("title", "missing_field", sentence)
