"""Gives a store money for calls: small amounts at once, others when a second person agrees."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.db.models import F, Sum
from django.utils import timezone

from billing.core.money import as_minor, as_text
from billing.jobs import CREDIT_JOB
from billing.models.credit import Credit
from billing.models.subscription import Subscription
from billing.services.ensure_stripe_customer import ensure_stripe_customer
from saas.lib.errors import InvalidParameter
from tenants.context import on_platform
from tenants.services.enqueue_job import enqueue_job
from tenants.services.record_audit import check_reason, record_audit

# What staff decides alone, of the store's currency; many small gifts of a month are one large.
ALONE_UP_TO = Decimal(1_000)
COUNTED_TOGETHER = timedelta(days=30)


def grant_credit(*, tenant_id: UUID, amount_minor: int, actor: str, reason: str, key: str) -> str:
    """Give credit for metered usage, or ask for it where that takes two people.

    Parameters
    ----------
    tenant_id, amount_minor
        Who gets how much, in minor units of the subscription's currency.
    actor, reason
        For the audit log; the reason stands on the invoice.
    key
        The same key gives once, so that a second click does no harm.

    Returns
    -------
    str
        ``"approved"``: Stripe hears of it within seconds; ``"waiting"``: for `approve_credit` by
        somebody else; or how it went with the same key before.

    Raises
    ------
    NotFound
        There is no such store.
    InvalidParameter
        The amount is not positive, or there is no reason.
    BillingUnavailable
        Stripe is away, so that the store cannot have a customer there; nothing was given.
    """
    reason = check_reason(reason)
    if amount_minor <= 0:
        raise InvalidParameter(f"{amount_minor} is no credit; give more.", pointer="/amount_minor")
    ensure_stripe_customer(tenant_id=tenant_id)
    with on_platform(), transaction.atomic():
        # Held, so that two gifts at once count together.
        currency = Subscription.objects.select_for_update().get(pk=tenant_id).currency
        credit, is_new = Credit.objects.get_or_create(
            key=key,
            defaults={
                "tenant_id": tenant_id,
                "amount_minor": amount_minor,
                "currency": currency,
                "reason": reason,
                "asked_by": actor,
            },
        )
        if not is_new:
            return credit.state
        is_small = _given_alone(tenant_id) + amount_minor <= as_minor(ALONE_UP_TO, currency)
        record_audit(
            tenant_id=tenant_id,
            actor=actor,
            action="credit_approved" if is_small else "credit_asked",
            object=f"credit:{credit.pk}",
            reason=reason,
            after={"amount": as_text(amount_minor, currency), "currency": currency},
        )
        if is_small:
            approve(credit, actor=actor, decision="")
    return credit.state


def approve(credit: Credit, *, actor: str, decision: str) -> None:
    """Decide for a credit and have Stripe told, in the caller's transaction."""
    credit.state = Credit.State.APPROVED
    credit.decided_by, credit.decided_at, credit.decision = actor, timezone.now(), decision
    credit.save()
    enqueue_job(
        kind=CREDIT_JOB,
        environment_id=None,
        payload={"credit_id": str(credit.pk)},
        dedupe_key=f"credit:{credit.pk}",
        max_attempts=10,
    )


def _given_alone(tenant_id: UUID) -> int:
    """Return what a store was given of late without a second person."""
    alone = Credit.objects.filter(
        tenant_id=tenant_id,
        decided_by=F("asked_by"),
        state__in=(Credit.State.APPROVED, Credit.State.GRANTED),
        decided_at__gt=timezone.now() - COUNTED_TOGETHER,
    )
    return alone.aggregate(all=Sum("amount_minor"))["all"] or 0
