"""Which credits wait for a second person; run on the platform."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from billing.models.credit import Credit


@dataclass(frozen=True, slots=True)
class WaitingCredit:
    """What somebody of staff has asked for, and somebody else is to decide."""

    id: UUID
    tenant_id: UUID
    tenant_name: str
    amount_minor: int
    currency: str
    reason: str
    asked_by: str
    asked_at: datetime


def waiting_credits() -> tuple[WaitingCredit, ...]:
    """Return them, the oldest first."""
    rows = Credit.objects.filter(state=Credit.State.WAITING).select_related("tenant")
    return tuple(
        WaitingCredit(
            id=row.pk,
            tenant_id=row.tenant_id,
            tenant_name=row.tenant.name,
            amount_minor=row.amount_minor,
            currency=row.currency,
            reason=row.reason,
            asked_by=row.asked_by,
            asked_at=row.asked_at,
        )
        for row in rows.order_by("asked_at")
    )
