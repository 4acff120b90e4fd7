"""Writes down what was asked for about a shopper, queues the work, and audits it without names."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from engine.models.privacy import PrivacyRequest
from engine.selectors.privacy_subject import Subject
from saas.lib.ids import new_ulid
from tenants.models.environment import Environment
from tenants.services.enqueue_job import enqueue_job
from tenants.services.record_audit import record_audit


def open_privacy_request(
    *,
    environment: Environment,
    kind: str,
    subject: Subject,
    job: str,
    action: str,
    actor: str,
    now: datetime,
    **columns: Any,
) -> str:
    """Record a request in the caller's transaction, with the job that fulfils it.

    Parameters
    ----------
    environment, subject
        Whose shopper, and all that the shopper is known by.
    kind, job
        Of the request, and of the work.
    action, actor
        For the audit log, which does not name the shopper.
    now
        When it was asked.
    columns
        What else the request's row has.

    Returns
    -------
    str
        The request's id.
    """
    request_id = new_ulid()
    PrivacyRequest.objects.create(
        id=request_id,
        kind=kind,
        subject=msgspec.to_builtins(subject),
        created_at=now,
        **columns,
    )
    enqueue_job(
        kind=job,
        environment_id=environment.pk,
        payload={"privacy_request_id": request_id},
    )
    record_audit(
        tenant_id=environment.tenant_id,
        actor=actor,
        action=action,
        object=f"privacy_request:{request_id}",
    )
    return request_id
