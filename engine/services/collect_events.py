"""Takes in the events of another tool's payload, and speaks of them in that tool's words."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

from engine.rows.collected import Collected, Payload, retold
from engine.rows.results import check_batch_size
from engine.selectors.order_lines import order_lines
from engine.services.ingest_events import IngestResult, ingest_events
from engine.services.write_users import write_users
from saas.lib.errors import RowsRejected
from tenants.models.environment import Environment


def collect_events(
    *,
    environment: Environment,
    payload: Payload,
    received_at: datetime,
    source: str,
    may_describe_users: bool,
) -> IngestResult:
    """Store the events of a payload as `ingest_events` does, inside `in_environment`.

    Parameters
    ----------
    environment
        Whose shoppers did it.
    payload
        What `read_ga4` or `read_segment` found.
    received_at
        When the request came.
    source
        Which way: one of ``Event.Source``.
    may_describe_users
        Whether what the payload says of users is stored as their attributes, too.

    Raises
    ------
    BatchTooLarge
        More than 1,000 events, those that are about no item included.
    RowsRejected
        There are events and none of them can be taken.
    """
    check_batch_size(len(payload.events) + len(payload.warnings), name="events")
    _name_refunded_items(payload.events)
    _describe_users(environment, payload, may_describe_users=may_describe_users)
    try:
        result = ingest_events(
            environment=environment,
            rows=[event.row for event in payload.events],
            received_at=received_at,
            source=source,
            sent_at=payload.sent_at,
            pointer="/{index}",
        )
    except RowsRejected as refusal:
        raise RowsRejected(
            refusal.detail,
            errors=[retold(error, payload.events) for error in refusal.errors],
            members=refusal.members,
        ) from None
    result.errors = [retold(error, payload.events) for error in result.errors]
    result.warnings = payload.warnings
    return result


def _describe_users(
    environment: Environment, payload: Payload, *, may_describe_users: bool
) -> None:
    """Store attributes; first in the transaction, since the catalogue's clock is locked first."""
    if payload.users and may_describe_users:
        # A row that is refused here is refused as an event, too, and explained there.
        with suppress(RowsRejected):
            write_users(environment=environment, rows=list(payload.users.values()))
        return
    pointers = {event.index: event.pointers[""] for event in payload.events}
    for index in payload.users:
        payload.warn(
            index,
            pointers[index],
            "traits_ignored",
            "has traits; a secret key with catalogue:write stores them.",
        )


def _name_refunded_items(events: Sequence[Collected]) -> None:
    """Let a refund of a whole order, which these tools send without items, take all of it back."""
    whole = [
        event.row
        for event in events
        if isinstance(event.row, dict)
        and event.row.get("type") == "refund"
        and isinstance(event.row.get("order_id"), str)
        and not {"items", "item_id"} & event.row.keys()
    ]
    if not whole:
        return
    lines = order_lines({row["order_id"].replace("\0", "") for row in whole})
    for row in whole:
        if row["order_id"] in lines:
            row["items"] = lines[row["order_id"]]
