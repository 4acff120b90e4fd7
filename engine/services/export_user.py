"""Hands a shopper everything that the store has on it: queued by a request, written by a job."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any, BinaryIO

import msgspec
import orjson
import structlog
from django.utils import timezone

from engine.jobs import PERSONAL_EXPORT_JOB
from engine.models.privacy import PrivacyRequest
from engine.selectors.personal_data import event_bodies, profile
from engine.selectors.privacy import download_of_request, subject_digests
from engine.selectors.privacy_subject import Subject, privacy_subject
from engine.services.open_privacy_request import open_privacy_request
from tenants.context import in_environment
from tenants.models.environment import Environment
from tenants.services.announce import announce
from tenants.services.run_job import ClaimedJob, ensure_held, finish_job

log = structlog.get_logger()


def export_user(
    *, environment: Environment, user_id: str | None, anonymous_id: str | None, actor: str
) -> str:
    """Queue the export of a user with all its visitors, or of a visitor; inside `in_environment`.

    Parameters
    ----------
    environment
        Whose shopper.
    user_id, anonymous_id
        One of them.
    actor
        For the audit log, which does not name the shopper.

    Returns
    -------
    str
        The privacy request's id.
    """
    subject = privacy_subject(user_id=user_id, anonymous_id=anonymous_id)
    return open_privacy_request(
        environment=environment,
        kind=PrivacyRequest.Kind.EXPORT,
        subject=subject,
        job=PERSONAL_EXPORT_JOB,
        action="user_exported",
        actor=actor,
        now=timezone.now(),
    )


def write_personal_data(*, environment: Environment, job: ClaimedJob) -> None:
    """Run an export's job; after a crash, from its beginning.

    Parameters
    ----------
    environment
        Whose shopper.
    job
        Its payload names the request.

    Raises
    ------
    LeaseLostError
        Another worker has taken the job over; what it writes is another file.
    """
    with in_environment(environment):
        ensure_held(job)
        request = PrivacyRequest.objects.get(pk=job.payload["privacy_request_id"])
        request.status = PrivacyRequest.Status.RUNNING
        request.save()
    subject = msgspec.convert(request.subject, Subject)
    path = download_of_request(request, environment_id=environment.pk).path
    path.parent.mkdir(parents=True, exist_ok=True)
    # A worker that has lost its lease may still be writing.
    part = path.with_name(f"{path.name}.{job.fencing_token}.part")
    try:
        with part.open("wb") as file:
            _write(file, subject, environment=environment, job=job)
            file.flush()
            os.fsync(file.fileno())
        with in_environment(environment):
            finish_job(job)
            request.status = PrivacyRequest.Status.COMPLETED
            request.subject = {"digests": subject_digests(subject, environment=environment)}
            request.finished_at = timezone.now()
            request.save()
            data = {"id": request.pk, "kind": request.kind}
            announce(environment=environment, event_type="privacy.completed", data=data)
            part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    log.info("user_data_written", request=request.pk)


def fail_personal_export(*, request_id: str, reason: str) -> None:
    """Mark an export as failed; call in the transaction that ends its job.

    Parameters
    ----------
    request_id
        The privacy request that the store watches.
    reason
        One sentence for the shop's owner.
    """
    PrivacyRequest.objects.filter(pk=request_id).update(
        status=PrivacyRequest.Status.FAILED,
        error=reason,
        subject=None,
        finished_at=timezone.now(),
    )


def _write(file: BinaryIO, subject: Subject, *, environment: Environment, job: ClaimedJob) -> None:
    """Write one JSON object, the events last and a page at a time."""
    with in_environment(environment):
        head = profile(subject, now=timezone.now())
    file.write(orjson.dumps(head)[:-1] + b',"events":[')
    separator = b""
    for page in _pages(subject, environment=environment, job=job):
        for event in page:
            file.write(separator + orjson.dumps(event))
            separator = b",\n"
    file.write(b"]}")


def _pages(
    subject: Subject, *, environment: Environment, job: ClaimedJob
) -> Iterator[list[dict[str, Any]]]:
    place: dict[str, Any] = {}
    while True:
        with in_environment(environment):
            ensure_held(job)
            place["after"], page = event_bodies(subject, **place)
        if not page:
            return
        yield page
