"""Takes in the events of another tool's payload, and speaks of them in that tool's words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from engine.rows.collected import Collected, Payload, retold
from engine.rows.results import check_batch_size
from engine.selectors.order_lines import order_lines
from engine.services.ingest_events import IngestResult, ingest_events
from saas.lib.errors import RowsRejected
from tenants.models.environment import Environment


def collect_events(
    *, environment: Environment, payload: Payload, received_at: datetime, source: str
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

    Raises
    ------
    BatchTooLarge
        More than 1,000 events, those that are about no item included.
    RowsRejected
        There are events and none of them can be taken.
    """
    check_batch_size(len(payload.events) + len(payload.warnings), name="events")
    _name_refunded_items(payload.events)
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
