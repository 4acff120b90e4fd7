"""Our own prices against the local Stripe's, which share no line of code: equal to the cent."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from billing.core.tiers import amount_minor, charges, read_tiers
from billing.local_stripe.tiers import tier_lines
from billing.models.plan import Plan
from billing.selectors.invoices import preview_invoice
from billing.services.close_hours import close_hours
from billing.services.send_usage_reports import send_usage_reports
from tenants.models.environment import Environment

CASES = 2_000


def some_tiers(chance: random.Random) -> list[dict[str, Any]]:
    bounds = sorted(chance.sample(range(1, 10_000_000), chance.randint(0, 4)))
    return [
        {
            "up_to": bound,
            # At most twelve places, and often one that makes halves of cents.
            "unit_amount_decimal": str(
                Decimal(chance.choice([0, 5, 25, 125, chance.randrange(10**6)])).scaleb(
                    -chance.randint(0, 12)
                )
            ),
        }
        for bound in [*bounds, None]
    ]


def test_each_line_of_random_tiers_and_usage_is_the_same_to_the_cent() -> None:
    chance = random.Random(1)
    for _ in range(CASES):
        tiers = some_tiers(chance)
        bounds = [tier["up_to"] for tier in tiers[:-1]]
        units = chance.choice(
            [0, 1, *bounds, *(bound + 1 for bound in bounds), chance.randrange(20_000_000)]
        )
        ours = [(each.units, each.amount_minor) for each in charges(units, read_tiers(tiers))]
        theirs = [(each["quantity"], each["amount"]) for each in tier_lines(tiers, units)]

        # Stripe shows the first tier of no calls, too.
        assert ours == [each for each in theirs if each[0]], (tiers, units)


def test_halves_of_cents_are_rounded_up_line_by_line() -> None:
    tiers = read_tiers(
        [{"up_to": 1, "unit_amount_decimal": "0.5"}, {"up_to": None, "unit_amount_decimal": "0.5"}]
    )

    # One half each, not one whole together.
    assert amount_minor(2, tiers) == 1 + 1


def test_our_preview_is_stripes_once_all_hours_are_reported(
    subscribe: Callable[..., Any], stripe: Any, acorn: Environment
) -> None:
    # In the middle of a month, wherever in it the test runs.
    today = datetime.now(tz=UTC)
    hour = today.replace(day=10, hour=12, minute=0, second=0, microsecond=0)
    stripe.move_clock((hour - today).total_seconds())
    customer = subscribe(acorn)
    stripe.move_clock(2 * 3_600)
    tiers = read_tiers(Plan.objects.get(pk="starter").tiers)
    for units in (99_999, 100_001, 101_010, 1_234_567):
        customer.use(hour, units)
        close_hours(now=hour + timedelta(hours=2))
        send_usage_reports(now=lambda: hour + timedelta(days=1))

        found = preview_invoice(tenant_id=customer.tenant_id)
        assert found.units == units
        assert found.calls_minor == amount_minor(units, tiers)
        # And next month's price.
        assert found.stripe.total_minor == found.calls_minor + 4_900
