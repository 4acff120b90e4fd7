"""Erases a shopper: from the commit on nobody knows the ids; a job removes what lay behind them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime

from django.db import connection, transaction
from django.utils import timezone
from redis.exceptions import RedisError

from engine.jobs import ERASURE_JOB
from engine.models.privacy import PrivacyRequest, Tombstone
from engine.selectors.privacy_subject import Subject, TimeSpan, privacy_subject, recent_sessions
from engine.services.catalogue_clock import lock_clock, move_clock
from engine.services.forget_recent_events import forget_recent_events
from engine.services.open_privacy_request import open_privacy_request
from engine.services.refuse_erased import await_writers
from saas.lib.erasures import digest_of
from saas.lib.recent_events import anonymous_key, session_key, user_key
from tenants.models.environment import Environment

# Events and models still point at the rows, which say nothing any more.
_UNNAME = """
    UPDATE engine_shopper
    SET kind = 'erased', external_id = id::text, attributes = '{}', personalise = true,
        source_updated_at = NULL, deleted_at = %s, updated_at = %s, change_seq = 0
    WHERE id = ANY(%b::int[])
"""


def erase_user(
    *, environment: Environment, user_id: str | None, anonymous_id: str | None, actor: str
) -> str:
    """Erase a user with all its visitors, or a visitor; inside `in_environment`.

    At the commit it is in force: the rows have lost their names, so that no look-up and no
    training finds them; tombstones keep what is older than now out of ingestion and serving; and
    whoever comes back under the same id is somebody new. A browser that is another user's by now
    stays that user's, but for the time when it was not.

    Parameters
    ----------
    environment
        Whose shopper.
    user_id, anonymous_id
        One of them; nobody needs to have seen it.
    actor
        For the audit log, which does not name the shopper.

    Returns
    -------
    str
        The privacy request's id; its receipt is filled by the job that removes what was stored.
    """
    await_writers(environment)
    change_seq = lock_clock(environment_id=environment.pk)
    now = timezone.now()
    subject = privacy_subject(user_id=user_id, anonymous_id=anonymous_id)
    sessions = recent_sessions(subject)
    _bury(environment, subject, change_seq=change_seq, now=now)
    request_id = open_privacy_request(
        environment=environment,
        kind=PrivacyRequest.Kind.ERASE,
        subject=subject,
        job=ERASURE_JOB,
        action="user_erased",
        actor=actor,
        now=now,
        removed=_unname(subject, now=now),
        change_seq=change_seq,
    )
    move_clock(environment_id=environment.pk, change_seq=change_seq)
    shopper_keys = [*subject.shopper_keys, *map(session_key, sessions)]

    def forget() -> None:
        # The job does so again, until Redis is there.
        with suppress(RedisError):
            forget_recent_events(environment_id=environment.pk, shopper_keys=shopper_keys)

    transaction.on_commit(forget)
    return request_id


def _bury(environment: Environment, subject: Subject, *, change_seq: int, now: datetime) -> None:
    Tombstone.objects.bulk_create(
        Tombstone(
            digest=digest_of(key, schema_name=environment.schema_name),
            since=span.since,
            until=span.until or now,
            change_seq=change_seq,
        )
        for key, span in _erased_spans(subject, now=now)
    )


def _erased_spans(subject: Subject, *, now: datetime) -> Iterator[tuple[str, TimeSpan]]:
    if subject.user_id is not None:
        yield user_key(subject.user_id), TimeSpan(until=now)
    for visitor in subject.visitors:
        if visitor.anonymous_id is not None:
            # A row that loses its name does so with what earlier users left there.
            spans = [TimeSpan(until=now)] if visitor.is_theirs_now else visitor.spans
            for span in spans:
                yield anonymous_key(visitor.anonymous_id), span


def _unname(subject: Subject, *, now: datetime) -> dict[str, int]:
    """Take the names off the rows, and return how many there were, with the links between them."""
    visitors = [
        visitor.shopper_id
        for visitor in subject.visitors
        if visitor.is_theirs_now and visitor.shopper_id is not None
    ]
    users = [] if subject.shopper_id is None else [subject.shopper_id]
    with connection.cursor() as cursor:
        cursor.execute(_UNNAME, [now, now, [*users, *visitors]])
    n_links = sum(len(visitor.spans) for visitor in subject.visitors) if users else 0
    return {"users": len(users), "anonymous_ids": len(visitors), "identity_links": n_links}
