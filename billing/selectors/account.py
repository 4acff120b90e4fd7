"""How a store's usage stands in its period, and what it costs so far; run on the platform."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Min, Sum

from billing.core.periods import month_of
from billing.core.standing import Facts, lapses_at
from billing.core.tiers import amount_minor, read_tiers
from billing.models.adjustment import UsageAdjustment
from billing.models.subscription import Subscription
from billing.models.usage import UsageBucket, UsageShipper
from tenants.models.environment import Environment
from tenants.models.tenant import Entitlement

# A host that has said nothing for so long is gone, with all that it had shipped.
_HOST_GONE = timedelta(minutes=10)
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Account:
    """A period of an environment: units, and money in minor units of `currency`.

    Attributes
    ----------
    access
        What is answered: full, reads or closed.
    lapses_at
        When calls stop being answered for want of payment, or did; None: not in sight.
    limited_by
        What set `call_limit`: quota, trial or spend_cap.
    is_used_up
        Whether `on_limit` applies.
    included, remaining, call_limit
        None where the store has no plan, or its plan no end.
    projected
        Units at the period's end if the rest of it is like what is over.
    spend_minor
        The plan's price and the calls beyond the included ones, as of now.
    as_of
        Up to when all calls are counted.
    is_bought
        Whether the plan was bought at Stripe, and is changed there.
    next_plan
        What follows at the period's end.
    past_due_since
        Since when an invoice is open.
    """

    plan: str
    state: str
    access: str
    lapses_at: datetime | None
    period_start: datetime
    period_end: datetime
    included: int | None
    call_limit: int | None
    limited_by: str
    is_used_up: bool
    used: int
    remaining: int | None
    overage: int
    projected: int
    currency: str | None
    spend_minor: int
    projected_spend_minor: int
    spend_cap_minor: int | None
    retention_days: int
    as_of: datetime
    is_bought: bool
    next_plan: str | None
    trial_end: datetime | None
    past_due_since: datetime | None
    cancel_at_period_end: bool


def account(*, tenant_id: UUID, environment_id: int, now: datetime) -> Account:
    """Return how it stands with the period that contains `now`."""
    subscription = Subscription.objects.select_related("plan").filter(pk=tenant_id).first()
    entitlement = Entitlement.objects.get(pk=tenant_id)
    if subscription is None:
        start, end = month_of(now)
    else:
        start, end = subscription.current_period_start, subscription.current_period_end
    counted, adjusted = _units(environment_id, start, end)
    used = max(0, counted + adjusted)
    included = None if subscription is None else subscription.plan.included_calls
    projected = _projected(used, start=start, end=end, now=now)
    return Account(
        plan=entitlement.plan,
        state=entitlement.state,
        access=entitlement.access,
        lapses_at=None if subscription is None else lapses_at(facts_of(subscription)),
        period_start=start,
        period_end=end,
        included=included,
        call_limit=entitlement.call_limit,
        limited_by=entitlement.limited_by,
        # The limit is higher by what staff took off, so it is held against what was counted.
        is_used_up=entitlement.call_limit is not None and counted >= entitlement.call_limit,
        used=used,
        remaining=None if included is None else max(0, included - used),
        overage=0 if included is None else max(0, used - included),
        projected=projected,
        currency=None if subscription is None else subscription.currency,
        spend_minor=_spend_minor(subscription, used),
        projected_spend_minor=_spend_minor(subscription, projected),
        spend_cap_minor=None if subscription is None else subscription.spend_cap_minor,
        retention_days=entitlement.retention_days,
        as_of=counted_up_to(now=now),
        is_bought=subscription is not None and bool(subscription.stripe_subscription_id),
        next_plan=None if subscription is None else subscription.next_plan_id,
        trial_end=None if subscription is None else subscription.trial_end,
        past_due_since=None if subscription is None else subscription.past_due_since,
        cancel_at_period_end=subscription is not None and subscription.cancel_at_period_end,
    )


def facts_of(subscription: Subscription) -> Facts:
    """Return what decides about a store's standing."""
    return Facts(
        state=subscription.state,
        period_start=subscription.current_period_start,
        period_end=subscription.current_period_end,
        past_due_since=subscription.past_due_since,
        ended_at=subscription.ended_at,
        spend_cap_minor=subscription.spend_cap_minor,
    )


def billable_units(*, environment_id: int, since: datetime, until: datetime) -> int:
    """Return what is charged for: the calls that were counted, and what staff changed of them."""
    counted, adjusted = _units(environment_id, since, until)
    return max(0, counted + adjusted)


def comped_units(*, tenant_id: UUID, since: datetime, until: datetime) -> int:
    """Return what staff took off the count of a store's live environment."""
    live = Environment.with_deleted.filter(tenant_id=tenant_id, kind=Environment.Kind.LIVE)
    rows = UsageAdjustment.objects.filter(
        environment_id__in=live.values("pk"), hour__gte=since, hour__lt=until
    )
    return max(0, -(rows.aggregate(all=Sum("units"))["all"] or 0))


def counted_up_to(*, now: datetime) -> datetime:
    """Return the moment up to which every host's calls are in the ledger."""
    hosts = UsageShipper.objects.filter(shipped_up_to__gt=now - _HOST_GONE)
    oldest: datetime | None = hosts.aggregate(oldest=Min("shipped_up_to"))["oldest"]
    return now if oldest is None else min(oldest, now)


def _units(environment_id: int, since: datetime, until: datetime) -> tuple[int, int]:
    # A period may begin within an hour; its calls are of that period.
    hours = {
        "environment_id": environment_id,
        "hour__gte": since.replace(minute=0, second=0, microsecond=0),
        "hour__lt": until,
    }
    counted = UsageBucket.objects.filter(**hours).aggregate(all=Sum("units"))["all"] or 0
    adjusted = UsageAdjustment.objects.filter(**hours).aggregate(all=Sum("units"))["all"] or 0
    return counted, adjusted


def _projected(used: int, *, start: datetime, end: datetime, now: datetime) -> int:
    # In its first minutes a period says nothing of the rest.
    elapsed = max(min(now, end) - start, _HOUR)
    return max(used, round(used * ((end - start) / elapsed)))


def _spend_minor(subscription: Subscription | None, units: int) -> int:
    if subscription is None:
        return 0
    plan = subscription.plan
    return plan.price_minor + amount_minor(units, read_tiers(plan.tiers))
