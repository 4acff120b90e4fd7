"""Takes in the events of one request: durable at the commit, known to serving right after it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction

from engine.core.dataset import EVENT_WEIGHTS
from engine.models.event import Event
from engine.rows.event_batch import (
    EventBatch,
    check_line_count,
    count_repeat,
    read_arrival,
    read_event_batch,
)
from engine.rows.event_row import EventRow
from engine.rows.results import check_batch_size
from engine.services.count_intake import IntakeCount, count_intake, intake_count
from engine.services.drop_reported_lines import drop_reported_lines
from engine.services.link_identities import link_identities
from engine.services.publish_events import publish_events, publish_merges
from engine.services.recognise_events import recognised_digests
from engine.services.refuse_erased import refuse_erased_events
from engine.services.store_events import insert_events
from saas.lib.errors import FieldError, RowsRejected
from saas.lib.recent_events import RecentEvent, anonymous_key, session_key, user_key
from tenants.models.environment import Environment

# An impression says nothing about its shopper.
_TELLING = frozenset(type_ for type_, weight in EVENT_WEIGHTS.items() if weight)


@dataclass(slots=True)
class IngestResult:
    """What came of a request's events; each is counted once.

    Attributes
    ----------
    watermark
        From which serving knows the events; set at the commit, None while Redis is away.
    """

    accepted: int = 0
    duplicates: int = 0
    rejected: int = 0
    errors: list[FieldError] = field(default_factory=list)
    warnings: list[FieldError] = field(default_factory=list)
    watermark: str | None = None

    def as_body(self) -> dict[str, Any]:
        """Return the answer's body."""
        return {
            "accepted": self.accepted,
            "duplicates": self.duplicates,
            "rejected": self.rejected,
            "errors": [error.as_member() for error in self.errors],
            "warnings": [warning.as_member() for warning in self.warnings],
            "watermark": self.watermark,
        }


def ingest_events(
    *,
    environment: Environment,
    rows: Sequence[Any],
    received_at: datetime,
    source: str = Event.Source.SERVER,
    sent_at: Any = None,
    pointer: str = "/events/{index}",
) -> IngestResult:
    """Store events, inside `in_environment`; at the commit they are published.

    Parameters
    ----------
    environment
        Whose shoppers did it.
    rows
        At most 1,000 events as they were sent.
    received_at
        When the request came.
    source
        Which way: one of ``Event.Source``. Imported history is not published as recent.
    sent_at
        When the sender's clock says that the request left it; corrects the events' times.
    pointer
        The JSON pointer of a row in the request.

    Returns
    -------
    IngestResult
        Counts, errors and warnings; `watermark` follows at the commit.

    Raises
    ------
    BatchTooLarge
        More than 1,000 events, or 10,000 lines in all.
    InvalidParameter
        `sent_at` is no time.
    RowsRejected
        There are events and none of them can be taken.
    """
    check_batch_size(len(rows), name="events")
    check_line_count(rows)
    arrival = read_arrival(received_at=received_at, sent_at=sent_at)
    batch = read_event_batch(rows, arrival=arrival, pointer=pointer)
    result = take_event_batch(
        environment=environment, batch=batch, received_at=received_at, source=source
    )
    if _is_refused(result):
        # Nothing is committed, so nothing is published.
        count_intake(
            _count_of(result, environment=environment, received_at=received_at, source=source)
        )
        raise _refusal(result)
    return result


def take_event_batch(
    *, environment: Environment, batch: EventBatch, received_at: datetime, source: str
) -> IngestResult:
    """Store events that were read already, inside `in_environment`; at the commit they are known.

    Parameters
    ----------
    environment, received_at, source
        As for `ingest_events`.
    batch
        The events; what PostgreSQL knows of them already is counted in it.

    Returns
    -------
    IngestResult
        Counts, errors and warnings; `watermark` follows at the commit.
    """
    refuse_erased_events(batch, environment=environment, source=source)
    known = list(batch.rows.values())
    emptied = drop_reported_lines(known, source=source)
    batch.duplicates += len(emptied)
    wanted = [row for row in known if row.key not in emptied]
    new = insert_events(wanted, source=source, received_at=received_at)
    _count_known(batch, [row for row in wanted if row.key not in new])
    accepted = [row for row in wanted if row.key in new]
    result = IngestResult(
        accepted=len(accepted),
        duplicates=batch.duplicates,
        rejected=batch.rejected,
        errors=sorted(batch.errors, key=lambda error: error.index or 0),
        warnings=batch.warnings,
    )
    links = link_identities(
        environment_id=environment.pk,
        sightings=(
            (row.values["anonymous_id"], row.values["user_id"], row.occurred_at)
            for row in accepted
            if "anonymous_id" in row.values and "user_id" in row.values
        ),
    )
    recent = {} if source == Event.Source.IMPORT else _recent_events(accepted)

    count = _count_of(result, environment=environment, received_at=received_at, source=source)

    def publish() -> None:
        if links:
            publish_merges(environment_id=environment.pk, links=links)
        result.watermark = publish_events(environment_id=environment.pk, recent=recent, count=count)

    transaction.on_commit(publish)
    return result


def _count_of(
    result: IngestResult, *, environment: Environment, received_at: datetime, source: str
) -> IntakeCount:
    """Return what to count: of a file, whose events are of the past, nothing."""
    is_file = source == Event.Source.IMPORT
    return intake_count(
        environment_id=environment.pk,
        received_at=received_at,
        accepted=0 if is_file else result.accepted,
        duplicates=0 if is_file else result.duplicates,
        errors=() if is_file else result.errors,
    )


def _count_known(batch: EventBatch, rows: Collection[EventRow]) -> None:
    if not rows:
        return
    digests = recognised_digests(rows)
    for row in rows:
        # An event that was deleted in between is gone from both looks; a retry will store it.
        count_repeat(batch, row, stored_digest=digests.get(row.key, row.digest))


def _is_refused(result: IngestResult) -> bool:
    return bool(result.rejected) and not (result.accepted or result.duplicates)


def _refusal(result: IngestResult) -> RowsRejected:
    body = result.as_body()
    del body["errors"]
    return RowsRejected(
        f"No event could be taken: {result.rejected} of {result.rejected} were rejected; "
        "see errors.",
        errors=result.errors,
        members=body,
    )


def _recent_events(rows: Collection[EventRow]) -> dict[str, list[RecentEvent]]:
    """Return what serving should know at once, by shopper key.

    A visitor who is a known user has no list: the next customer of a shared device starts anew.
    """
    recent: dict[str, list[RecentEvent]] = {}
    for row in rows:
        if row.type not in _TELLING:
            continue
        epoch_ms = int(row.occurred_at.timestamp() * 1000)
        events = [
            RecentEvent(line.item_id, row.type, epoch_ms)
            for line in row.lines
            if line.item_id is not None
        ]
        for shopper_key in _shopper_keys(row.values):
            recent.setdefault(shopper_key, []).extend(events)
    return recent


def _shopper_keys(values: Mapping[str, Any]) -> list[str]:
    keys = [session_key(values["session_id"])] if "session_id" in values else []
    if "user_id" in values:
        keys.append(user_key(values["user_id"]))
    elif "anonymous_id" in values:
        keys.append(anonymous_key(values["anonymous_id"]))
    return keys
