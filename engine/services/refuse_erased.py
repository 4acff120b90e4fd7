"""Keeps what erased shoppers did, or were, before their erasure from coming in again."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import NamedTuple

from django.db import connection

from engine.models.event import Event
from engine.rows.event_batch import EventBatch
from engine.rows.event_row import EventRow
from engine.rows.reading import Place
from saas.lib.erasures import digest_of
from saas.lib.errors import FieldError
from saas.lib.recent_events import anonymous_key, user_key
from tenants.models.environment import Environment

# A lock's first number says what the second is about.
_LOCK_SPACE = 7_302
# The sequence is read as it is now, not as of the statement's beginning: whoever waited for an
# erasure sees it. A store that never erased anybody pays for this one statement alone.
# What is written next looks up by indexes: a connection keeps its plan, and if the store was empty
# when it was made, a large import would scan whole tables for each row.
_HOLD_OFF = """
    SELECT pg_advisory_xact_lock_shared(%s, %s),
        pg_sequence_last_value('engine_tombstone_id_seq') IS NOT NULL,
        set_config('enable_seqscan', 'off', true)
"""
_BEGIN = "SELECT pg_advisory_xact_lock(%s, %s)"
_SPANS = "SELECT digest, since, until FROM engine_tombstone WHERE digest = ANY(%b::bytea[])"


class Span(NamedTuple):
    """What a shopper did in it was erased; no `since` means from the beginning."""

    since: datetime | None
    until: datetime

    def holds(self, at: datetime) -> bool:
        """Say whether a moment lies inside."""
        return (self.since is None or self.since <= at) and at < self.until


def hold_off_erasures(environment: Environment) -> bool:
    """Let no erasure begin before this transaction ends; say whether there ever was one.

    Without it, events that were looked at before an erasure could be stored after it.
    """
    with connection.cursor() as cursor:
        cursor.execute(_HOLD_OFF, [_LOCK_SPACE, _lock_number(environment)])
        _, has_erased, _ = cursor.fetchone()
    return bool(has_erased)


def await_writers(environment: Environment) -> None:
    """Wait for whoever holds erasures off, and keep others waiting until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute(_BEGIN, [_LOCK_SPACE, _lock_number(environment)])


def refuse_erased_events(batch: EventBatch, *, environment: Environment, source: str) -> None:
    """Reject the events from before their shopper's erasure; call it before anything is written.

    Parameters
    ----------
    batch
        Loses the rejected events; their errors name nobody, since imports keep them.
    environment
        Whose shoppers.
    source
        Which way they came. A file's event without a time may be from any time.
    """
    if not hold_off_erasures(environment) or not batch.rows:
        return
    keys = {event_key: _shopper_key(row) for event_key, row in batch.rows.items()}
    spans = erased_spans({key for key in keys.values() if key}, environment=environment)
    for event_key, shopper_key in keys.items():
        row = batch.rows[event_key]
        own = spans.get(shopper_key or "", ())
        is_undated = source == Event.Source.IMPORT and "ts" not in row.values
        if any(is_undated or span.holds(row.occurred_at) for span in own):
            del batch.rows[event_key]
            batch.rejected += 1
            batch.errors.append(
                erased_error(
                    row.place, until=max(span.until for span in own), way_out="send newer events"
                )
            )


def erased_spans(
    shopper_keys: Collection[str], *, environment: Environment
) -> Mapping[str, list[Span]]:
    """Return the spans of the shopper keys that were erased, by key."""
    by_digest = {digest_of(key, schema_name=environment.schema_name): key for key in shopper_keys}
    spans: dict[str, list[Span]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_SPANS, [list(by_digest)])
        for digest, since, until in cursor:
            spans.setdefault(by_digest[bytes(digest)], []).append(Span(since, until))
    return spans


def erased_error(place: Place, *, until: datetime, way_out: str) -> FieldError:
    """Return the error of a row about somebody who was erased."""
    return place.error(
        "",
        "user_erased",
        f"is about a shopper who was erased at {until:%Y-%m-%dT%H:%M:%SZ}; what is older stays "
        f"out, {way_out}.",
    )


def _shopper_key(row: EventRow) -> str | None:
    if "user_id" in row.values:
        return user_key(row.values["user_id"])
    if "anonymous_id" in row.values:
        return anonymous_key(row.values["anonymous_id"])
    return None


def _lock_number(environment: Environment) -> int:
    # Two environments that share a number only wait for each other.
    return int(environment.pk) & 0x7FFF_FFFF
