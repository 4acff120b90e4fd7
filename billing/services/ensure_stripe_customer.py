"""Gives a store its customer at Stripe, once."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.utils import timezone

from billing.core.periods import month_of
from billing.models.plan import FREE_PLAN, Plan
from billing.models.subscription import Subscription
from billing.stripe_gateway import gateway
from saas.lib.errors import NotFound
from tenants.context import on_platform
from tenants.models.tenant import Tenant


def ensure_stripe_customer(*, tenant_id: UUID) -> str:
    """Return the store's customer at Stripe, made at the first time.

    A crash after Stripe's answer is harmless: the next call carries the same Idempotency-Key and
    gets the same customer.

    Parameters
    ----------
    tenant_id
        Whose; without a subscription it gets the free one.

    Raises
    ------
    NotFound
        There is no such store.
    BillingUnavailable
        Stripe is away.
    """
    with on_platform(), transaction.atomic():
        tenant = Tenant.objects.exclude(status=Tenant.Status.DELETED).filter(pk=tenant_id).first()
        if tenant is None:
            raise NotFound(f"There is no tenant '{tenant_id}'.")
        start, end = month_of(timezone.now())
        plan = Plan.objects.get(pk=FREE_PLAN)
        Subscription.objects.get_or_create(
            tenant=tenant,
            defaults={
                "plan": plan,
                "currency": plan.currency,
                "current_period_start": start,
                "current_period_end": end,
            },
        )
        subscription = Subscription.objects.select_for_update().get(pk=tenant_id)
        if not subscription.stripe_customer_id:
            subscription.stripe_customer_id = gateway().create_customer(
                tenant=str(tenant_id), name=tenant.name
            )
            subscription.save(update_fields=["stripe_customer_id", "updated_at"])
    return subscription.stripe_customer_id
