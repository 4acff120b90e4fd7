"""Sorts the events of one request: what is new in it, what it says twice, what it contradicts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from engine.rows.event_key import nth_key
from engine.rows.event_row import Arrival, EventRow, read_event_row
from engine.rows.plain_events import read_plain_events
from engine.rows.values import BadValue, read_time, shown
from saas.lib.errors import BatchTooLarge, FieldError, InvalidParameter

# More than any honest batch holds; each is a row to be written in one transaction.
MAX_REQUEST_LINES = 10_000
# A smaller difference is the network and the queue before us, not the sender's clock.
MIN_SKEW = timedelta(seconds=5)


@dataclass(slots=True)
class EventBatch:
    """The readable events of a request, each once.

    Attributes
    ----------
    rows
        By key, in the order of the request.
    """

    rows: dict[bytes, EventRow] = field(default_factory=dict)
    duplicates: int = 0
    rejected: int = 0
    errors: list[FieldError] = field(default_factory=list)
    warnings: list[FieldError] = field(default_factory=list)


def check_line_count(rows: Sequence[Any]) -> None:
    """Refuse a request with more lines than one transaction takes, before any is read.

    Raises
    ------
    BatchTooLarge
        Its events have more than `MAX_REQUEST_LINES` in all.
    """
    items = [row.get("items") for row in rows if isinstance(row, dict)]
    lines = sum(len(each) for each in items if isinstance(each, list))
    if lines > MAX_REQUEST_LINES:
        raise BatchTooLarge(
            f"The events have {lines} items in all; send at most {MAX_REQUEST_LINES} in one "
            "request."
        )


def read_arrival(*, received_at: datetime, sent_at: Any) -> Arrival:
    """Return how to set the times of a request right.

    Raises
    ------
    InvalidParameter
        `sent_at` is no time.
    """
    if sent_at is None:
        return Arrival(received_at=received_at)
    try:
        skew = received_at - read_time(sent_at)
    except BadValue as bad:
        raise InvalidParameter(
            f"'sent_at' is {shown(sent_at)}; {bad.advice}.", pointer="/sent_at"
        ) from None
    return Arrival(
        received_at=received_at, correction=skew if abs(skew) >= MIN_SKEW else timedelta(0)
    )


def read_event_batch(
    rows: Sequence[Any], *, arrival: Arrival, pointer: str = "/events/{index}"
) -> EventBatch:
    """Read the events of a request.

    Of events with one id the first counts: the same again is a duplicate, another a conflict.
    Equal events without an id are as many events, told apart by their ordinal.
    """
    batch = EventBatch()
    ordinals: dict[bytes, int] = {}
    plain = read_plain_events(rows, arrival=arrival, pointer=pointer)
    for index, raw in enumerate(rows):
        row = plain.get(index) or read_event_row(
            raw, index=index, pointer=pointer, arrival=arrival, warnings=batch.warnings
        )
        if not isinstance(row, EventRow):
            batch.rejected += 1
            batch.errors += row
            continue
        if "event_id" not in row.values:
            ordinal = ordinals.get(row.key, 0)
            ordinals[row.key] = ordinal + 1
            row.key = nth_key(row.key, ordinal)
        first = batch.rows.setdefault(row.key, row)
        if first is not row:
            count_repeat(batch, row, stored_digest=first.digest)
    return batch


def count_repeat(batch: EventBatch, row: EventRow, *, stored_digest: bytes) -> None:
    """Count an event whose key is known: a duplicate, or another event with the same id."""
    if row.digest == stored_digest:
        batch.duplicates += 1
        return
    batch.rejected += 1
    batch.errors.append(
        row.place.error(
            "event_id",
            "event_id_conflict",
            f"has event_id {shown(row.values.get('event_id'))}, which came before with other "
            "content; send a new event with a new id.",
        )
    )
