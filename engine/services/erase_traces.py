"""Removes what was stored of an erased shopper: the worker's job, until nothing is left."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta

import msgspec
import structlog
from django.db import connection
from django.utils import timezone

from engine.jobs import ERASURE_JOB
from engine.models.privacy import PrivacyRequest
from engine.selectors.privacy_subject import Subject
from engine.services.erase_copies import erase_copies, has_copies_in_the_making
from engine.services.forget_recent_events import forget_recent_events
from engine.services.publish_erasures import publish_erasures
from engine.services.retire_models import schedule_retirement
from saas.lib.recent_events import session_key
from tenants.context import in_environment
from tenants.models.environment import Environment
from tenants.services.announce import announce
from tenants.services.enqueue_job import enqueue_job
from tenants.services.run_job import ClaimedJob, ensure_held, finish_job

log = structlog.get_logger()

BATCH_ROWS = 5_000
# Imports and exports that were under way have ended by then or by the look after it.
LOOK_AGAIN = timedelta(minutes=1)
# A duty is never given up: what failed for a reason that has not passed is tried again.
TRY_AGAIN = timedelta(minutes=10)

_DELETE_EVENTS = """
    WITH gone AS (
        DELETE FROM engine_event WHERE ctid = ANY(ARRAY(
            SELECT ctid FROM engine_event WHERE user_id = %s
            UNION ALL
            SELECT event.ctid
            FROM unnest(%b::int[], %b::timestamptz[], %b::timestamptz[])
                AS own (visitor, since, until)
            JOIN engine_event AS event ON event.anonymous_id = own.visitor
                AND event.user_id IS NULL
                AND event.occurred_at >= coalesce(own.since, '-infinity')
                AND event.occurred_at < coalesce(own.until, 'infinity')
            LIMIT %s
        ))
        RETURNING line, session_id
    )
    SELECT count(*) FILTER (WHERE line = 0), count(*),
        array_agg(DISTINCT session_id) FILTER (WHERE session_id IS NOT NULL)
    FROM gone
"""
# A link beside those of others stays without a name: it says that the visitor was not theirs.
_DELETE_LINKS = """
    DELETE FROM engine_identitylink AS link
    WHERE user_id = %s AND NOT EXISTS (
        SELECT 1 FROM engine_identitylink AS other
        WHERE other.anonymous_id = link.anonymous_id AND other.user_id <> link.user_id
    )
"""
_DELETE_SHOPPERS = """
    DELETE FROM engine_shopper AS shopper
    WHERE id = ANY(%b::int[]) AND kind = 'erased'
        AND NOT EXISTS (SELECT 1 FROM engine_identitylink WHERE user_id = shopper.id)
        AND NOT EXISTS (SELECT 1 FROM engine_identitylink WHERE anonymous_id = shopper.id)
        AND NOT EXISTS (SELECT 1 FROM engine_event WHERE user_id = shopper.id)
        AND NOT EXISTS (SELECT 1 FROM engine_event WHERE anonymous_id = shopper.id)
"""


def erase_traces(*, environment: Environment, job: ClaimedJob) -> None:
    """Run an erasure's job: in short transactions, each of which may be the last before a crash.

    Parameters
    ----------
    environment
        Whose shopper it was.
    job
        Its payload names the request; what an attempt before has removed stays counted.

    Raises
    ------
    LeaseLostError
        Another worker has taken the job over.
    redis.exceptions.RedisError
        Redis is away; the lists there have to go, too.
    """
    started = time.monotonic()
    while True:
        with _held(environment, job) as request:
            subject = _subject(request)
            n_lines = 0 if subject is None else _delete_events(environment, request, subject)
        if not n_lines:
            break
    with _held(environment, job) as request:
        if subject is not None:
            _delete_rows(subject)
            _count(request, {"recent_lists": _forget(environment, subject.shopper_keys)})
            copies = erase_copies(
                environment=environment, subject=subject, before=request.created_at
            )
            _count(request, copies)
    publish_erasures(environment=environment)
    with _held(environment, job) as request:
        is_done = _end(environment, job, request)
    log.info(
        "user_traces_erased",
        request=request.pk,
        is_done=is_done,
        seconds=round(time.monotonic() - started, 3),
    )


def keep_erasing(*, environment: Environment, job: ClaimedJob) -> None:
    """Queue an erasure's job again; call in the transaction that ends the one that failed."""
    _queue(environment, job, after=TRY_AGAIN)


@contextmanager
def _held(environment: Environment, job: ClaimedJob) -> Iterator[PrivacyRequest]:
    """Enter a transaction that writes down what it removes, and only as long as the job is ours."""
    with in_environment(environment):
        ensure_held(job)
        request = PrivacyRequest.objects.select_for_update().get(
            pk=job.payload["privacy_request_id"]
        )
        yield request
        request.save()


def _subject(request: PrivacyRequest) -> Subject | None:
    """Return whom it is about; None once everything is gone."""
    if request.subject is None:
        return None
    request.status = PrivacyRequest.Status.RUNNING
    return msgspec.convert(request.subject, Subject)


def _count(request: PrivacyRequest, removed: Mapping[str, int]) -> None:
    for name, count in removed.items():
        request.removed[name] = request.removed.get(name, 0) + count


def _delete_events(environment: Environment, request: PrivacyRequest, subject: Subject) -> int:
    """Delete a batch of events and return the number of their lines."""
    with connection.cursor() as cursor:
        cursor.execute(_DELETE_EVENTS, [subject.shopper_id, *subject.span_columns, BATCH_ROWS])
        n_events, n_deleted, sessions = cursor.fetchone()
    # Before the commit: after a crash in between nobody would know the sessions any more.
    n_lists = _forget(environment, [session_key(session_id) for session_id in sessions or ()])
    _count(request, {"events": n_events, "recent_lists": n_lists})
    return int(n_deleted)


def _delete_rows(subject: Subject) -> None:
    rows = [visitor.shopper_id for visitor in subject.visitors]
    if subject.shopper_id is not None:
        rows.append(subject.shopper_id)
    with connection.cursor() as cursor:
        cursor.execute(_DELETE_LINKS, [subject.shopper_id])
        cursor.execute(_DELETE_SHOPPERS, [rows])


def _forget(environment: Environment, shopper_keys: list[str]) -> int:
    return forget_recent_events(environment_id=environment.pk, shopper_keys=shopper_keys)


def _end(environment: Environment, job: ClaimedJob, request: PrivacyRequest) -> bool:
    """End the job: with the receipt, or with another look once what is under way has ended."""
    finish_job(job)
    if request.subject is None:
        return True
    if has_copies_in_the_making(environment=environment, before=request.created_at):
        _queue(environment, job, after=LOOK_AGAIN)
        return False
    request.status = PrivacyRequest.Status.COMPLETED
    request.subject = None
    request.finished_at = timezone.now()
    schedule_retirement(environment=environment, erased_at=request.created_at)
    data = {"id": request.pk, "kind": request.kind}
    announce(environment=environment, event_type="privacy.completed", data=data)
    return True


def _queue(environment: Environment, job: ClaimedJob, *, after: timedelta) -> None:
    enqueue_job(
        kind=ERASURE_JOB,
        environment_id=environment.pk,
        payload=job.payload,
        run_after=timezone.now() + after,
    )
