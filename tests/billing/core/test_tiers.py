from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.core.tiers import Tier, amount_minor, charges, read_tiers, units_within

GROWTH = read_tiers(
    [
        {"up_to": 1_000_000, "unit_amount_decimal": "0"},
        {"up_to": 5_000_000, "unit_amount_decimal": "0.03"},
        {"up_to": None, "unit_amount_decimal": "0.02"},
    ]
)


def test_included_calls_cost_nothing() -> None:
    assert amount_minor(1_000_000, GROWTH) == 0


def test_a_call_above_the_included_ones_is_charged_by_its_tier() -> None:
    # 1,000 calls at 0.03 cents are 30 cents.
    assert amount_minor(1_001_000, GROWTH) == 30


def test_each_tier_prices_only_its_own_calls() -> None:
    # 4 million at 0.03 cents = 120,000 cents; 1 million at 0.02 cents = 20,000 cents.
    assert [(each.units, each.amount_minor) for each in charges(6_000_000, GROWTH)] == [
        (1_000_000, 0),
        (4_000_000, 120_000),
        (1_000_000, 20_000),
    ]


def test_half_a_cent_is_rounded_up() -> None:
    # 50 calls at 0.03 cents are 1.5 cents.
    assert amount_minor(1_000_050, GROWTH) == 2


def test_no_calls_have_no_lines() -> None:
    assert charges(0, GROWTH) == ()


@pytest.mark.parametrize(
    "tiers",
    [
        [],
        [{"up_to": 5, "unit_amount_decimal": "1"}],
        [
            {"up_to": 5, "unit_amount_decimal": "1"},
            {"up_to": 5, "unit_amount_decimal": "1"},
            {"up_to": None, "unit_amount_decimal": "1"},
        ],
        [{"up_to": None, "unit_amount_decimal": "1"}, {"up_to": None, "unit_amount_decimal": "1"}],
    ],
)
def test_tiers_that_leave_a_call_unpriced_are_refused(
    tiers: list[dict[str, object]],
) -> None:
    with pytest.raises(ValueError, match="go up and end with null"):
        read_tiers(tiers)


def test_a_budget_of_nothing_buys_the_included_calls() -> None:
    # The first charged call costs 0.03 cents, which is more than nothing.
    assert units_within(0, GROWTH) == 1_000_000
    assert units_within(-4_900, GROWTH) == 1_000_000


def test_calls_without_a_price_have_no_end() -> None:
    assert units_within(0, read_tiers([{"up_to": None, "unit_amount_decimal": "0"}])) is None


_PRICES = st.decimals(min_value=0, max_value=5, places=3)


@given(
    st.lists(st.tuples(st.integers(1, 5_000), _PRICES), max_size=4),
    st.decimals(min_value="0.001", max_value=5, places=3),
    st.integers(0, 100_000),
)
def test_a_budget_is_used_up_and_never_exceeded(
    steps: list[tuple[int, Decimal]], last: Decimal, budget: int
) -> None:
    tiers = []
    top = 0
    for width, price in steps:
        top += width
        tiers.append(Tier(top, price))
    tiers.append(Tier(None, last))

    def cost(units: int) -> Decimal:
        total, below = Decimal(0), 0
        for tier in tiers:
            upto = units if tier.up_to is None else min(units, tier.up_to)
            total += max(0, upto - below) * tier.unit_amount
            below = max(below, upto)
        return total

    units = units_within(budget, tiers)

    assert units is not None
    assert cost(units) <= budget < cost(units + 1)
