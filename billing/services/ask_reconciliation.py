"""Compares with Stripe now rather than within the hour, at staff's word."""

from __future__ import annotations

from django.db import transaction

from billing.jobs import RECONCILE_JOB
from tenants.context import on_platform
from tenants.services.enqueue_job import enqueue_job
from tenants.services.record_audit import check_reason, record_audit


def ask_reconciliation(*, actor: str, reason: str) -> None:
    """Queue the comparison of all stores' hours with Stripe's; one that waits already suffices.

    Parameters
    ----------
    actor, reason
        For the audit log.

    Raises
    ------
    InvalidParameter
        There is no reason.
    """
    reason = check_reason(reason)
    with on_platform(), transaction.atomic():
        record_audit(
            tenant_id=None,
            actor=actor,
            action="reconciliation_asked",
            object="usage_reports",
            reason=reason,
        )
        enqueue_job(kind=RECONCILE_JOB, environment_id=None, exclusive_key=RECONCILE_JOB)
