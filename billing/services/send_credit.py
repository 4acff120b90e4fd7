"""Tells Stripe of a credit that was decided on, once, however often the worker dies."""

from __future__ import annotations

from uuid import UUID

import structlog
from django.db import transaction

from billing.models.credit import Credit
from billing.models.subscription import Subscription
from billing.stripe_gateway import gateway
from tenants.context import on_platform

_log = structlog.get_logger()


def send_credit(*, credit_id: UUID) -> None:
    """Grant the credit at Stripe, unless it has it.

    Parameters
    ----------
    credit_id
        Of a credit that is approved.

    Raises
    ------
    BillingUnavailable
        Stripe is away; a later try finds out what it has.
    """
    with on_platform(), transaction.atomic():
        credit = Credit.objects.select_for_update().get(pk=credit_id)
        if credit.state != Credit.State.APPROVED:
            return
        customer = Subscription.objects.get(pk=credit.tenant_id).stripe_customer_id
        credit.stripe_grant_id = gateway().grant_credit(
            customer=customer,
            amount_minor=credit.amount_minor,
            currency=credit.currency,
            name=credit.reason[:100],
            key=f"credit-{credit.pk}",
        )
        credit.state = Credit.State.GRANTED
        credit.save(update_fields=["state", "stripe_grant_id"])
    _log.info("credit_granted", credit=str(credit_id), stripe=credit.stripe_grant_id)
