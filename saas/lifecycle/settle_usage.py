"""Settles a closing store's account: no new period begins, and its last calls are in the ledger."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from billing.models.subscription import Subscription
from billing.models.usage import UsageShipper
from billing.services.change_subscription import set_cancellation
from saas.lib.errors import Conflict, Unavailable
from tenants.context import on_platform
from tenants.models.tenant import Tenant

# Every process has stopped answering by then.
STOPPED_AFTER = timedelta(seconds=3)
# A shipper tells each second how far it is; what takes longer needs a person.
PATIENCE_SECONDS = 30.0
_LOOK_SECONDS = 0.25
# A host that has said nothing for so long is gone, or missed by `watch_shippers` already.
_HOST_GONE = timedelta(minutes=10)


def settle_usage(tenant: Tenant, *, actor: str, reason: str) -> None:
    """End the subscription with its period, and wait until every host's calls are shipped.

    The hours that are not reported yet follow as ever: the outbox does not ask who is still there.

    Raises
    ------
    BillingUnavailable
        Stripe is away; ask again later.
    Unavailable
        A host's calls are not in the ledger yet; ask again later.
    """
    _end_subscription(tenant, actor=actor, reason=reason)
    stopped_at = timezone.now() + STOPPED_AFTER
    deadline = time.monotonic() + PATIENCE_SECONDS
    while late := _hosts_behind(stopped_at):
        if time.monotonic() > deadline:
            raise Unavailable(
                f"Calls of '{tenant.slug}' may not be in the ledger yet: {', '.join(late)} have "
                "not shipped their usage logs; look at their shippers and ask again."
            )
        time.sleep(_LOOK_SECONDS)


def _end_subscription(tenant: Tenant, *, actor: str, reason: str) -> None:
    with on_platform(), transaction.atomic():
        subscription = Subscription.objects.select_for_update().filter(pk=tenant.pk).first()
        if subscription is None:
            return
        if not subscription.stripe_subscription_id:
            subscription.cancel_at_period_end = True
            subscription.save(update_fields=["cancel_at_period_end", "updated_at"])
            return
    try:
        set_cancellation(tenant_id=tenant.pk, is_wanted=True, actor=actor, reason=reason)
    except Conflict:
        # It has ended already.
        return


def _hosts_behind(moment: datetime) -> list[str]:
    with on_platform():
        seen = UsageShipper.objects.filter(shipped_up_to__gt=timezone.now() - _HOST_GONE)
        return list(seen.filter(shipped_up_to__lt=moment).values_list("host", flat=True))
