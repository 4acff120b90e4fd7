"""Decides anew where time alone has changed what a store may do: a grace or a period has ended."""

from __future__ import annotations

import structlog
from django.utils import timezone

from billing.services.apply_entitlement import apply_entitlement
from tenants.context import on_platform
from tenants.error_reports import report_error
from tenants.models.tenant import Entitlement

_log = structlog.get_logger()

# One round's; the next follows within seconds.
MOST_AT_ONCE = 200


def apply_due_entitlements() -> int:
    """Apply what is due, the longest due first, each by itself; return how many were due."""
    with on_platform():
        due = list(
            Entitlement.objects.filter(changes_at__lte=timezone.now())
            .order_by("changes_at")
            .values_list("pk", flat=True)[:MOST_AT_ONCE]
        )
    for tenant_id in due:
        try:
            apply_entitlement(tenant_id=tenant_id)
        except Exception as error:  # noqa: BLE001  # a store's edge: the others are due, too
            _log.exception("entitlement_not_applied", tenant=str(tenant_id))
            report_error(error)
    return len(due)
