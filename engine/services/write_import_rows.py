"""Writes the rows of an import by the services that the API's batches take, and tries them out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

from django.db import transaction

from engine.files.records import RowError, shortened
from engine.models.event import Event
from engine.rows.event_batch import EventBatch, read_event_batch
from engine.rows.event_row import Arrival
from engine.rows.results import MAX_BATCH_ROWS
from engine.services.ingest_events import take_event_batch
from engine.services.write_items import write_items
from engine.services.write_users import write_users
from saas.lib.errors import FieldError, RowsRejected
from tenants.models.environment import Environment

# Says which of the rows an error is about, and how the file calls what is wrong.
Explain = Callable[[FieldError, int], RowError]
_SHOP_SYSTEMS = frozenset({"shopify", "woocommerce"})
_NOUNS = {"items": "Item", "events": "Event", "users": "User"}


class FileRow(NamedTuple):
    """A row of a file in the API's own shape.

    Attributes
    ----------
    line
        Where it stands in the file.
    values
        Its members.
    """

    line: int
    values: Mapping[str, Any]


@dataclass(slots=True)
class RowsWritten:
    """What came of some rows.

    Attributes
    ----------
    counts
        By the names of the contract.
    errors
        One for each rejected row.
    bad
        The positions of the rejected among the rows.
    """

    counts: Counter[str] = field(default_factory=Counter)
    errors: list[RowError] = field(default_factory=list)
    bad: set[int] = field(default_factory=set)


def batches(rows: Sequence[FileRow]) -> Iterator[tuple[int, Sequence[FileRow]]]:
    """Cut items or users into what one statement takes, each with the position of its first."""
    for start in range(0, len(rows), MAX_BATCH_ROWS):
        yield start, rows[start : start + MAX_BATCH_ROWS]


def write_import_rows(
    *,
    environment: Environment,
    kind: str,
    rows: Sequence[FileRow],
    received_at: datetime,
    file_format: str = "plain",
    events: EventBatch | None = None,
    explain: Explain | None = None,
) -> RowsWritten:
    """Write rows of one kind, inside `in_environment`; bad ones are left out and explained.

    Parameters
    ----------
    environment
        Whose data.
    kind
        ``items``, ``events`` or ``users``.
    rows
        In the order of the file.
    received_at
        The time of events that name none.
    file_format
        The export of a shop's system says what else an item is called, as far as we can tell.
    events
        The rows as events, if they were read as such already.
    explain
        Puts an error into the file's words, if the file is at hand.

    Returns
    -------
    RowsWritten
        Counts, and an error for each bad row.
    """
    written = RowsWritten()

    def note(counts: Mapping[str, int], errors: Sequence[FieldError], start: int = 0) -> None:
        written.counts.update(counts)
        for error in errors:
            if error.index is None or start + error.index in written.bad:
                continue
            index = start + error.index
            written.bad.add(index)
            told = _by_line(error, kind=kind, line=rows[index].line)
            written.errors.append(
                _explained(told, rows[index]) if explain is None else explain(told, index)
            )

    if kind == "events":
        if events is None:
            arrival = Arrival(received_at=received_at)
            events = read_event_batch([row.values for row in rows], arrival=arrival)
        note(*_take(environment, events, received_at))
    else:
        for start, batch in batches(rows):
            values = [row.values for row in batch]
            note(*_write(environment, kind, values, file_format), start)
    return written


def _take(
    environment: Environment, events: EventBatch, received_at: datetime
) -> tuple[dict[str, int], Sequence[FieldError]]:
    taken = take_event_batch(
        environment=environment,
        batch=events,
        received_at=received_at,
        source=Event.Source.IMPORT,
    )
    counts = {
        "accepted": taken.accepted,
        "duplicates": taken.duplicates,
        "rejected": taken.rejected,
    }
    return counts, taken.errors


def _write(
    environment: Environment, kind: str, values: list[Mapping[str, Any]], file_format: str
) -> tuple[dict[str, int], Sequence[FieldError]]:
    write = (
        partial(write_users, is_from_file=True)
        if kind == "users"
        else partial(write_items, has_guessed_aliases=file_format in _SHOP_SYSTEMS)
    )
    try:
        result = write(environment=environment, rows=values)
    except RowsRejected as refused:
        # Nothing of this batch can be taken; the import goes on.
        return {"rejected": refused.members["rejected"]}, refused.errors
    return result.counts(), result.errors


def _by_line(error: FieldError, *, kind: str, line: int) -> FieldError:
    """Return an error that calls a row without an id by its line, not by its place in a batch."""
    number = f"{_NOUNS[kind]} number {error.index} "
    if not error.detail.startswith(number):
        return error
    return replace(error, detail=f"{_NOUNS[kind]} on line {line} {error.detail[len(number) :]}")


def _explained(error: FieldError, row: FileRow) -> RowError:
    # A pointer is /items/17/price, and further down where the value is no single one.
    column = "".join(error.pointer.split("/")[3:4]).replace("~1", "/").replace("~0", "~")
    return RowError(
        line=row.line,
        column=column,
        value=shortened(row.values.get(column)),
        code=error.code,
        detail=error.detail,
    )


@contextmanager
def taken_back() -> Iterator[None]:
    """Undo at its end whatever the block writes: what came of it is what would come of it."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
