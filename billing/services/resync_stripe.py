"""The nightly look at Stripe: events whose webhook never came, and every customer anew."""

from __future__ import annotations

from datetime import timedelta

import orjson
import structlog
from django.utils import timezone

from billing.models.subscription import Subscription
from billing.services.mirror_invoices import mirror_invoices
from billing.services.receive_stripe_event import store_stripe_event
from billing.services.sync_subscription import sync_subscription
from billing.stripe_gateway import gateway
from tenants.context import on_platform

_log = structlog.get_logger()

# Stripe tries a webhook for so long.
LOOKED_BACK = timedelta(days=3)


def resync_stripe() -> int:
    """Store the events of three days that we lack, and sync all customers.

    Returns
    -------
    int
        The number of events whose webhook had not come.

    Raises
    ------
    BillingUnavailable
        Stripe is away; a later try goes on.
    """
    missed = 0
    for event in gateway().events_since(timezone.now() - LOOKED_BACK):
        body = orjson.dumps(event, default=str).decode()
        missed += store_stripe_event(identifier=event["id"], kind=event["type"], body=body)
    with on_platform():
        customers = list(
            Subscription.objects.exclude(stripe_customer_id="")
            .order_by("pk")
            .values_list("stripe_customer_id", flat=True)
        )
    for customer in customers:
        sync_subscription(customer=customer)
        mirror_invoices(customer=customer)
    if missed:
        _log.warning("stripe_events_missed", count=missed)
    return missed
