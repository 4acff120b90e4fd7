"""What is sold: each plan's price, what it includes and what it allows; run on the platform."""

from __future__ import annotations

from dataclasses import dataclass

from billing.core.tiers import Tier, read_tiers
from billing.models.plan import Plan


@dataclass(frozen=True, slots=True)
class PlanTerms:
    """A plan; money in minor units of `currency`, a tier's as a decimal of them."""

    code: str
    name: str
    is_offered: bool
    currency: str
    price_minor: int
    included_calls: int
    tiers: tuple[Tier, ...]
    is_hard: bool
    hard_multiple: int | None
    trial_days: int
    trial_calls: int
    rate_per_second: int
    burst: int
    catalogue_items: int | None
    events_per_day: int | None
    retention_days: int


def plans() -> tuple[PlanTerms, ...]:
    """Return all plans, what is on offer first, the cheaper ones first."""
    rows = Plan.objects.order_by("-is_offered", "price_minor", "code")
    return tuple(_terms(row) for row in rows)


def _terms(row: Plan) -> PlanTerms:
    return PlanTerms(
        code=row.code,
        name=row.name,
        is_offered=row.is_offered,
        currency=row.currency,
        price_minor=row.price_minor,
        included_calls=row.included_calls,
        tiers=read_tiers(row.tiers),
        is_hard=row.quota == Plan.Quota.HARD,
        hard_multiple=row.hard_multiple,
        trial_days=row.trial_days,
        trial_calls=row.trial_calls,
        rate_per_second=row.rate_per_second,
        burst=row.burst,
        catalogue_items=row.catalogue_items,
        events_per_day=row.events_per_day,
        retention_days=row.retention_days,
    )
