"""Decides for or against a credit that another person has asked for."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.utils import timezone

from billing.core.money import as_text
from billing.models.credit import Credit
from billing.services.grant_credit import approve
from saas.lib.errors import Conflict, NotFound
from tenants.context import on_platform
from tenants.services.record_audit import check_reason, record_audit


def approve_credit(*, credit_id: UUID, actor: str, reason: str) -> None:
    """Give what was asked for; Stripe hears of it within seconds.

    Parameters
    ----------
    credit_id
        What waits.
    actor, reason
        Who decides and why, for the audit log.

    Raises
    ------
    NotFound
        There is no such credit.
    Conflict
        The same person has asked for it, or it is decided.
    InvalidParameter
        There is no reason.
    """
    reason = check_reason(reason)
    with on_platform(), transaction.atomic():
        credit = _waiting(credit_id)
        if credit.asked_by == actor:
            raise Conflict("Who asks for a credit does not approve it; ask somebody else of staff.")
        approve(credit, actor=actor, decision=reason)
        _record(credit, "credit_approved", actor=actor, reason=reason)


def decline_credit(*, credit_id: UUID, actor: str, reason: str) -> None:
    """Refuse what was asked for; who has asked may take it back so.

    Parameters
    ----------
    credit_id
        What waits.
    actor, reason
        Who decides and why, for the audit log.

    Raises
    ------
    NotFound
        There is no such credit.
    Conflict
        It is decided.
    InvalidParameter
        There is no reason.
    """
    reason = check_reason(reason)
    with on_platform(), transaction.atomic():
        credit = _waiting(credit_id)
        credit.state = Credit.State.DECLINED
        credit.decided_by, credit.decided_at, credit.decision = actor, timezone.now(), reason
        credit.save()
        _record(credit, "credit_declined", actor=actor, reason=reason)


def _waiting(credit_id: UUID) -> Credit:
    credit = Credit.objects.select_for_update().filter(pk=credit_id).first()
    if credit is None:
        raise NotFound(f"There is no credit '{credit_id}'.")
    if credit.state != Credit.State.WAITING:
        raise Conflict(f"This credit is {credit.state} already, by {credit.decided_by}.")
    return credit


def _record(credit: Credit, action: str, *, actor: str, reason: str) -> None:
    record_audit(
        tenant_id=credit.tenant_id,
        actor=actor,
        action=action,
        object=f"credit:{credit.pk}",
        reason=reason,
        before={"asked_by": credit.asked_by},
        after={
            "amount": as_text(credit.amount_minor, credit.currency),
            "currency": credit.currency,
        },
    )
