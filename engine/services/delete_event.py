"""Takes back one event."""

from __future__ import annotations

from contextlib import suppress
from uuid import UUID

from django.db import connection, transaction
from redis.exceptions import RedisError

from engine.models.event import Event
from engine.rows.event_key import key_of_id
from engine.services.forget_recent_events import forget_one_event
from saas.lib.errors import NotFound
from saas.lib.recent_events import RecentEvent, anonymous_key, session_key, user_key
from tenants.models.environment import Environment

# With every user that the visitor ever was: its list moved there with the link.
_LINES = """
    SELECT ref.ref, event.type, event.occurred_at, event.session_id,
        shopper.external_id, visitor.external_id, ARRAY(
            SELECT owner.external_id FROM engine_identitylink AS link
            JOIN engine_shopper AS owner ON owner.id = link.user_id AND owner.kind = 'user'
            WHERE link.anonymous_id = event.anonymous_id
        )
    FROM engine_event AS event
    LEFT JOIN engine_itemref AS ref ON ref.id = event.item_ref_id
    LEFT JOIN engine_shopper AS shopper ON shopper.id = event.user_id AND shopper.kind = 'user'
    LEFT JOIN engine_shopper AS visitor
        ON visitor.id = event.anonymous_id AND visitor.kind = 'anonymous'
    WHERE event.event_key = %s
"""


def delete_event(*, environment: Environment, event_id: str) -> None:
    """Delete an event with all its lines, inside `in_environment`.

    Serving forgets what it had of it beside the model at the commit, the next training the rest.

    Parameters
    ----------
    environment
        Whose event.
    event_id
        The store's own, or the one under which `GET /v1/events` shows an event without any.

    Raises
    ------
    NotFound
        There is no such event.
    """
    key = UUID(bytes=key_of_id(event_id))
    with connection.cursor() as cursor:
        cursor.execute(_LINES, [key])
        rows = cursor.fetchall()
    deleted, _ = Event.objects.filter(event_key=key).delete()
    if not deleted:
        raise NotFound(f"There is no event '{event_id}'.")
    lines = [
        RecentEvent(item_id, type_, epoch_ms=int(occurred_at.timestamp() * 1000))
        for item_id, type_, occurred_at, *_ in rows
        if item_id is not None
    ]
    shopper_keys = {each for row in rows for each in _shopper_keys(*row[3:])}

    def forget() -> None:
        # Without Redis there are no lists; a restarted one is filled from what is stored.
        with suppress(RedisError):
            forget_one_event(environment_id=environment.pk, shopper_keys=shopper_keys, lines=lines)

    if lines:
        transaction.on_commit(forget)


def _shopper_keys(
    session_id: str | None, user_id: str | None, anonymous_id: str | None, owners: list[str]
) -> list[str]:
    keys = [user_key(owner) for owner in owners]
    if session_id is not None:
        keys.append(session_key(session_id))
    if user_id is not None:
        keys.append(user_key(user_id))
    if anonymous_id is not None:
        keys.append(anonymous_key(anonymous_id))
    return keys
