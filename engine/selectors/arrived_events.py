"""The events that came last, however old they say they are: what a live tail shows."""

from __future__ import annotations

from django.db import connection

from engine.selectors.events import ShownEvent, events_by_keys

_NEWEST = "SELECT event_key FROM engine_event WHERE line = 0 ORDER BY id DESC LIMIT %s"


def arrived_events(*, most: int) -> list[ShownEvent]:
    """Return events, the last to come first, inside `in_environment`."""
    with connection.cursor() as cursor:
        cursor.execute(_NEWEST, [most])
        keys = [key for (key,) in cursor]
    by_key = {event.event_key: event for event in events_by_keys(keys)}
    return [by_key[str(key)] for key in keys]
