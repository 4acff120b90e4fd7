"""The page of what a store uses and pays: the period, its limits, the plans and the invoices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from billing.core.money import as_text
from billing.core.tiers import Tier, charges
from billing.selectors.account import Account, account
from billing.selectors.explained import billed_hours
from billing.selectors.plans import PlanTerms, plans
from billing.selectors.usage import usage_by_key, usage_by_operation, usage_by_placement
from saas.portal.billing_states import Facts, billing_state
from saas.portal.roles import Right
from saas.portal.usage_charts import usage_charts
from saas.portal.visit import Visit, store_page
from tenants.context import on_platform
from tenants.selectors.api_keys import api_keys

_MOST_KEYS = 1_000


@dataclass(frozen=True, slots=True)
class CostLine:
    """A line of what the period costs so far."""

    text: str
    amount: str


@dataclass(frozen=True, slots=True)
class Offer:
    """A plan as it is offered."""

    terms: PlanTerms
    price: str
    beyond: str
    is_current: bool
    is_next: bool
    is_choosable: bool
    verb: str


@dataclass(frozen=True, slots=True)
class Group:
    """Calls of a kind."""

    name: str
    calls: int
    units: int


@store_page(Right.SEE_BILLING)
def usage(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Show the current period, and let those who may change what is bought."""
    return render_usage(visit)


def render_usage(
    visit: Visit, *, cap: str | None = None, cap_error: str = "", status: int = 200
) -> HttpResponse:
    """Return the page; `cap` and `cap_error` are of a spend cap that was refused."""
    now = timezone.now()
    environment_id = visit.live.pk
    with on_platform():
        stands = account(tenant_id=visit.tenant.pk, environment_id=environment_id, now=now)
        on_offer = plans()
        since = stands.period_start.replace(minute=0, second=0, microsecond=0)
        span: dict[str, Any] = {
            "environment_id": environment_id,
            "since": since,
            "until": stands.period_end,
        }
        hours = billed_hours(**span)
        groups = _groups(span)
    terms = next((each for each in on_offer if each.code == stands.plan), None)
    terms = terms if stands.currency else None
    context = {
        "state": billing_state(_facts(visit, stands, on_offer, terms)),
        "stands": stands,
        "plan": terms,
        "seconds_behind": max(0, round((now - stands.as_of).total_seconds())),
        "spend": _money(stands.spend_minor, stands),
        "projected_spend": _money(stands.projected_spend_minor, stands),
        "cap": _money(stands.spend_cap_minor, stands),
        "cap_value": _plain(stands) if cap is None else cap,
        "cap_error": cap_error,
        "cost": [] if terms is None else _cost(terms, stands),
        "charts": usage_charts(stands, hours, now=now),
        "groups": groups,
        "offers": [_offer(each, stands) for each in on_offer if each.is_offered],
        "has_stripe": stands.is_bought,
    }
    return visit.render("portal/usage.html", context, status=status)


def _facts(
    visit: Visit, stands: Account, on_offer: Sequence[PlanTerms], terms: PlanTerms | None
) -> Facts:
    names = {each.code: each.name for each in on_offer}
    return Facts(
        plan=None if terms is None else terms.name,
        state=stands.state,
        period_end=stands.period_end,
        access=stands.access,
        is_suspended=visit.tenant.status == "suspended",
        lapses_at=stands.lapses_at,
        trial_end=stands.trial_end,
        is_used_up=stands.is_used_up,
        limited_by=stands.limited_by,
        is_bought=stands.is_bought,
        next_plan=None if stands.next_plan is None else names.get(stands.next_plan),
        ends_with_period=stands.cancel_at_period_end,
    )


def _cost(terms: PlanTerms, stands: Account) -> list[CostLine]:
    """Return the period so far, a line for each tier that its calls reach, as invoices do."""
    currency = terms.currency
    lines = [CostLine(f"{terms.name}, one month", _amount(terms.price_minor, currency))]
    for charge in charges(stands.used, terms.tiers):
        priced = _unit_price(charge.tier, currency)
        lines.append(
            CostLine(f"{charge.units:,} calls {priced}", _amount(charge.amount_minor, currency))
        )
    return lines


def _offer(terms: PlanTerms, stands: Account) -> Offer:
    dear = [tier for tier in terms.tiers if tier.unit_amount > 0]
    if terms.is_hard or not dear:
        beyond = "calls end"
    else:
        beyond = ", then ".join(_unit_price(tier, terms.currency) for tier in dear)
    is_current = stands.currency is not None and terms.code == stands.plan
    # A trial that nobody bought is still to be bought, and so is a plan that has lapsed.
    is_on_trial = stands.state == "trialing" and not stands.is_bought
    has_it = is_current and stands.access == "full" and not is_on_trial
    is_next = terms.code == stands.next_plan
    return Offer(
        terms=terms,
        price=_amount(terms.price_minor, terms.currency),
        beyond=beyond,
        is_current=is_current,
        is_next=is_next,
        is_choosable=not has_it and not is_next,
        verb="Change to" if stands.is_bought and stands.access == "full" else "Choose",
    )


def _unit_price(tier: Tier, currency: str) -> str:
    if tier.unit_amount == 0:
        return "included"
    exact = tier.unit_amount * 1_000
    is_whole = exact == exact.to_integral_value()
    return f"at {_amount(int(exact) if is_whole else exact, currency)} per 1,000"


def _groups(span: dict[str, Any]) -> list[tuple[str, str, list[Group]]]:
    keys = api_keys(environment_id=span["environment_id"], after=None, limit=_MOST_KEYS)
    names = {key.pk: f"{key.name} ({key})" for key in keys}
    return [
        (
            "By recommendation",
            "Recommendation",
            [
                Group(row.operation.name.replace("_", " ").capitalize(), row.calls, row.units)
                for row in usage_by_operation(**span)
            ],
        ),
        (
            "By placement",
            "Placement",
            [
                Group(row.name or "none named", row.calls, row.units)
                for row in usage_by_placement(**span)
            ],
        ),
        (
            "By API key",
            "Key",
            [
                Group(names.get(row.name or "", row.name or "not known"), row.calls, row.units)
                for row in usage_by_key(**span)
            ],
        ),
    ]


def _money(minor: int | None, stands: Account) -> str | None:
    if minor is None or stands.currency is None:
        return None
    return _amount(minor, stands.currency)


def _plain(stands: Account) -> str:
    if stands.spend_cap_minor is None or stands.currency is None:
        return ""
    return as_text(stands.spend_cap_minor, stands.currency)


def _amount(minor: int | Decimal, currency: str) -> str:
    return f"{as_text(minor, currency)} {currency}"
