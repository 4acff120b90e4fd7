"""Tells Stripe of an hour again at staff's word: also of one that it had rejected."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from django.db import transaction

from billing.models.subscription import Subscription
from billing.models.usage_report import UsageReport
from billing.services.close_hours import resend_hour
from saas.lib.errors import NotFound
from tenants.context import on_platform
from tenants.services.record_audit import check_reason, record_audit


def resend_usage(*, tenant_id: UUID, hour: datetime, actor: str, reason: str) -> int:
    """Queue the hour's latest total as its next revision.

    Parameters
    ----------
    tenant_id
        Whose.
    hour
        Any moment of the UTC hour.
    actor, reason
        For the audit log.

    Returns
    -------
    int
        The revision that will be sent.

    Raises
    ------
    NotFound
        The hour was never reported: nothing was used, or it has not ended.
    InvalidParameter
        There is no reason.
    """
    reason = check_reason(reason)
    start = hour.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    with on_platform(), transaction.atomic():
        # Held, so that two clicks make two revisions and not one twice.
        Subscription.objects.select_for_update().filter(pk=tenant_id).first()
        reports = UsageReport.objects.filter(tenant_id=tenant_id, hour=start)
        latest = reports.order_by("-revision").first()
        if latest is None:
            raise NotFound(f"Nothing was reported of the hour from {start:%Y-%m-%d %H:%M} UTC.")
        resend_hour(report=latest)
        record_audit(
            tenant_id=tenant_id,
            actor=actor,
            action="usage_resent",
            object=f"hour:{start:%Y-%m-%dT%H}",
            reason=reason,
            before={"revision": latest.revision, "state": latest.state, "error": latest.error},
            after={"revision": latest.revision + 1, "units": latest.units},
        )
    return latest.revision + 1
