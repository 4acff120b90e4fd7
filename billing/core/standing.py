"""Decides what a store may do from its subscription and plan: values in, a reasoned decision out.

The calls used so far are compared with the decision's limit where they are counted, at the serving
edge.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from billing.core.tiers import Tier, units_within

# How long a payment may be late before calls are refused.
GRACE = timedelta(days=7)
# How long a store that does not pay can still read and take its data with it.
READS_FOR = timedelta(days=30)

# Everything; what it has and its exports; nothing but what it owes.
Access = Literal["full", "reads", "closed"]
LimitedBy = Literal["quota", "trial", "spend_cap"]


@dataclass(frozen=True, slots=True)
class Terms:
    """What a plan says of calls."""

    price_minor: int
    included_calls: int
    tiers: Sequence[Tier]
    is_hard: bool
    hard_multiple: int | None
    trial_calls: int


@dataclass(frozen=True, slots=True)
class Facts:
    """How it stands with a subscription; `state` is Stripe's status."""

    state: str
    period_start: datetime
    period_end: datetime
    past_due_since: datetime | None
    ended_at: datetime | None
    spend_cap_minor: int | None


@dataclass(frozen=True, slots=True)
class Standing:
    """What a store may do, why, and when that changes by itself.

    Attributes
    ----------
    access
        What is answered at all; what is not gets 402.
    reason
        The subscription's state that decided.
    call_limit
        Units in the period after which `on_limit` applies; None: there is no end.
    limited_by
        What set `call_limit`.
    changes_at
        When it has to be decided anew though nothing was done.
    """

    access: Access
    reason: str
    call_limit: int | None
    limited_by: LimitedBy | None
    changes_at: datetime | None


def decide_standing(facts: Facts, terms: Terms, *, now: datetime) -> Standing:
    """Decide what a store may do now."""
    end = lapses_at(facts)
    if end is None or now < end:
        limit, limited_by = _limit(facts, terms)
        return Standing("full", facts.state, limit, limited_by, changes_at=end)
    closes_at = end + READS_FOR
    if now < closes_at:
        return Standing("reads", facts.state, None, None, changes_at=closes_at)
    return Standing("closed", facts.state, None, None, changes_at=None)


def lapses_at(facts: Facts) -> datetime | None:
    """Return when the right to call ends, or ended; a state that we do not know has none."""
    if facts.past_due_since is not None and facts.state in ("past_due", "unpaid", "canceled"):
        # Stripe may give up sooner than we do; who cancels unpaid gains nothing by it.
        return facts.past_due_since + GRACE if facts.state != "unpaid" else facts.past_due_since
    if facts.state == "canceled":
        return facts.period_end
    if facts.state in ("unpaid", "incomplete", "incomplete_expired", "paused"):
        return facts.ended_at or facts.period_start
    return None


def _limit(facts: Facts, terms: Terms) -> tuple[int | None, LimitedBy | None]:
    if facts.state == "trialing":
        return terms.trial_calls, "trial"
    if terms.is_hard:
        return terms.included_calls, "quota"
    if facts.spend_cap_minor is not None:
        # The price is owed anyway, and with it the included calls are paid.
        affordable = units_within(facts.spend_cap_minor - terms.price_minor, terms.tiers)
        return affordable, None if affordable is None else "spend_cap"
    if terms.hard_multiple is not None:
        return terms.hard_multiple * terms.included_calls, "quota"
    return None, None
