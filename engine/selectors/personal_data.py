"""Everything that a store has on one shopper, as the export of it shows it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
from django.db import connection

from engine.selectors.events import events_by_keys
from engine.selectors.items import moment
from engine.selectors.privacy_subject import Subject

PAGE_EVENTS = 1_000
# Who only wants to know how much there is need not wait until a robot's events are counted.
MOST_COUNTED = 10_000
_BEFORE_ALL = (datetime.min.replace(tzinfo=UTC), UUID(int=0))
_SHOPPERS = """
    SELECT kind, external_id, attributes, personalise, source_updated_at, created_at, updated_at,
        deleted_at
    FROM engine_shopper WHERE id = ANY(%b::int[]) ORDER BY id
"""
_OWN_EVENTS = """
    SELECT occurred_at, event_key FROM engine_event WHERE user_id = %s AND line = 0
    UNION ALL
    SELECT event.occurred_at, event.event_key
    FROM unnest(%b::int[], %b::timestamptz[], %b::timestamptz[])
        AS own (visitor, since, until)
    JOIN engine_event AS event ON event.anonymous_id = own.visitor
        AND event.user_id IS NULL AND event.line = 0
        AND event.occurred_at >= coalesce(own.since, '-infinity')
        AND event.occurred_at < coalesce(own.until, 'infinity')
"""
_COUNT = f"SELECT count(*) FROM ({_OWN_EVENTS} LIMIT %s) AS own"  # noqa: S608  # our own text
_EVENT_KEYS = f"""
    SELECT occurred_at, event_key FROM ({_OWN_EVENTS}) AS own
    WHERE (occurred_at, event_key) > (%s, %s::uuid)
    ORDER BY occurred_at, event_key LIMIT %s
"""  # noqa: S608  # our own text


def profile(subject: Subject, *, now: datetime) -> dict[str, Any]:
    """Return what is known of a subject apart from its events.

    Consent is what serving and training go by: whether the shopper may be given personal answers.
    """
    rows = [visitor.shopper_id for visitor in subject.visitors if visitor.is_theirs_now]
    with connection.cursor() as cursor:
        cursor.execute(_SHOPPERS, [[*rows, subject.shopper_id]])
        shoppers = [_shopper(*row) for row in cursor]
    return {
        "exported_at": moment(now),
        "user_id": subject.user_id,
        "profiles": shoppers,
        "identity_links": [
            {
                "anonymous_id": visitor.anonymous_id,
                "user_id": subject.user_id,
                "from": moment(span.since),
                "until": moment(span.until),
            }
            for visitor in subject.visitors
            for span in visitor.spans
            if subject.user_id is not None
        ],
    }


def event_bodies(
    subject: Subject, *, after: tuple[datetime, UUID] = _BEFORE_ALL
) -> tuple[tuple[datetime, UUID], list[dict[str, Any]]]:
    """Return the next events of a subject, oldest first, and where they end.

    Parameters
    ----------
    after
        Where the page before ended.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            _EVENT_KEYS, [subject.shopper_id, *subject.span_columns, *after, PAGE_EVENTS]
        )
        places = cursor.fetchall()
    events = reversed(events_by_keys([key for _, key in places]))
    return places[-1] if places else after, [event.body for event in events]


def event_count(subject: Subject) -> int:
    """Return how many events a subject has, or that it has more than `MOST_COUNTED`."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, [subject.shopper_id, *subject.span_columns, MOST_COUNTED + 1])
        return int(cursor.fetchone()[0])


def _shopper(
    kind: str,
    external_id: str,
    attributes: str,
    personalise: bool,  # noqa: FBT001  # a row's column
    *times: datetime | None,
) -> dict[str, Any]:
    names = ("source_updated_at", "created_at", "updated_at", "deleted_at")
    return {
        "kind": kind,
        "id": external_id,
        "attributes": orjson.loads(attributes),
        "consent": {"personalise": personalise},
        **{name: moment(at) for name, at in zip(names, times, strict=True)},
    }
