"""Takes back one event."""

from __future__ import annotations

from uuid import UUID

from engine.models.event import Event
from engine.rows.event_key import key_of_id
from saas.lib.errors import NotFound


def delete_event(*, event_id: str) -> None:
    """Delete an event with all its lines, inside `in_environment`; the next training forgets it.

    Parameters
    ----------
    event_id
        The store's own, or the one under which `GET /v1/events` shows an event without any.

    Raises
    ------
    NotFound
        There is no such event.
    """
    deleted, _ = Event.objects.filter(event_key=UUID(bytes=key_of_id(event_id))).delete()
    if not deleted:
        raise NotFound(f"There is no event '{event_id}'.")
