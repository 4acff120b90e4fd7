"""Takes calls of an hour off a store's bill, beside the ledger, which is never changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db import transaction

from billing.core.money import as_minor, as_text
from billing.core.periods import month_of
from billing.core.tiers import amount_minor, read_tiers
from billing.models.adjustment import UsageAdjustment
from billing.models.subscription import Subscription
from billing.selectors.account import billable_units
from billing.services.apply_entitlement import apply_entitlement
from billing.services.grant_credit import ALONE_UP_TO
from saas.lib.errors import Conflict, InvalidParameter, NotFound
from tenants.context import on_platform
from tenants.models.environment import Environment
from tenants.services.record_audit import check_reason, record_audit


def comp_usage(*, tenant_id: UUID, hour: datetime, units: int, actor: str, reason: str) -> None:
    """Charge less for an hour; the next look at the outbox tells Stripe the smaller total.

    Parameters
    ----------
    tenant_id
        Whose live environment.
    hour
        Any moment of the UTC hour.
    units
        How many calls are taken off.
    actor, reason
        For the audit log.

    Raises
    ------
    NotFound
        The store has no subscription, so nothing is charged.
    InvalidParameter
        The hour has not so many calls that are charged, or there is no reason.
    Conflict
        They are worth more than one person may give.
    """
    reason = check_reason(reason)
    start = hour.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    with on_platform(), transaction.atomic():
        # Held, so that two clicks do not take off the same calls.
        held = Subscription.objects.select_for_update(of=["self"]).select_related("plan")
        subscription = held.filter(pk=tenant_id).first()
        if subscription is None:
            raise NotFound(f"The store {tenant_id} has no subscription, so it pays for no calls.")
        live = Environment.with_deleted.get(tenant_id=tenant_id, kind=Environment.Kind.LIVE)
        charged = billable_units(
            environment_id=live.pk, since=start, until=start + timedelta(hours=1)
        )
        if not 0 < units <= charged:
            raise InvalidParameter(
                f"{units} calls cannot be taken off; in the hour from {start:%Y-%m-%d %H:%M} UTC "
                f"{charged} are charged.",
                pointer="/units",
            )
        _check_worth(subscription, live, start, units)
        UsageAdjustment.objects.create(
            environment_id=live.pk, hour=start, units=-units, reason=reason, actor=actor
        )
        record_audit(
            tenant_id=tenant_id,
            actor=actor,
            action="usage_comped",
            object=f"hour:{start:%Y-%m-%dT%H}",
            reason=reason,
            before={"units": charged},
            after={"units": charged - units},
        )
        apply_entitlement(tenant_id=tenant_id)


def _check_worth(subscription: Subscription, live: Environment, hour: datetime, units: int) -> None:
    since, until = month_of(hour)
    used = billable_units(environment_id=live.pk, since=since, until=until)
    tiers = read_tiers(subscription.plan.tiers)
    worth = amount_minor(used, tiers) - amount_minor(used - units, tiers)
    currency = subscription.currency
    if worth > as_minor(ALONE_UP_TO, currency):
        raise Conflict(
            f"These calls are worth {as_text(worth, currency)} {currency}; over {ALONE_UP_TO} "
            "ask for a credit instead, which a second person approves."
        )
