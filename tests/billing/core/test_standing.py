from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from billing.core.standing import GRACE, READS_FOR, Facts, Standing, Terms, decide_standing
from billing.core.tiers import read_tiers

NOW = datetime(2026, 11, 15, 12, tzinfo=UTC)
PERIOD_START = datetime(2026, 11, 1, tzinfo=UTC)
PERIOD_END = datetime(2026, 12, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)

FREE = Terms(
    price_minor=0,
    included_calls=10_000,
    tiers=read_tiers([{"up_to": None, "unit_amount_decimal": "0"}]),
    is_hard=True,
    hard_multiple=None,
    trial_calls=20_000,
)
STARTER = Terms(
    price_minor=4_900,
    included_calls=100_000,
    tiers=read_tiers(
        [
            {"up_to": 100_000, "unit_amount_decimal": "0"},
            {"up_to": None, "unit_amount_decimal": "0.05"},
        ]
    ),
    is_hard=False,
    hard_multiple=3,
    trial_calls=20_000,
)
ENTERPRISE = replace(FREE, is_hard=False, included_calls=10_000_000)
ACTIVE = Facts(
    state="active",
    period_start=PERIOD_START,
    period_end=PERIOD_END,
    past_due_since=None,
    ended_at=None,
    spend_cap_minor=None,
)


def decided(terms: Terms = STARTER, **facts: object) -> Standing:
    return decide_standing(replace(ACTIVE, **facts), terms, now=NOW)  # type: ignore[arg-type]


def test_a_hard_quota_ends_with_the_included_calls() -> None:
    assert decided(FREE) == Standing("full", "active", 10_000, "quota", None)


def test_a_hard_quota_knows_no_spend_cap() -> None:
    assert decided(FREE, spend_cap_minor=100_000).call_limit == 10_000


def test_a_soft_quota_ends_at_its_multiple() -> None:
    # Three times 100,000.
    assert decided() == Standing("full", "active", 300_000, "quota", None)


def test_a_spend_cap_replaces_the_multiple() -> None:
    # 74 euros less the price of 49 are 2,500 cents; at 0.05 cents, 50,000 calls.
    assert decided(spend_cap_minor=7_400) == Standing("full", "active", 150_000, "spend_cap", None)


def test_a_spend_cap_under_the_price_leaves_the_included_calls() -> None:
    assert decided(spend_cap_minor=1_000).call_limit == 100_000


def test_a_contract_has_no_end() -> None:
    assert decided(ENTERPRISE) == Standing("full", "active", None, None, None)
    assert decided(ENTERPRISE, spend_cap_minor=1).call_limit is None


def test_a_trial_has_a_limit_of_its_own() -> None:
    assert decided(state="trialing") == Standing("full", "trialing", 20_000, "trial", None)


def test_a_late_payment_is_waited_for() -> None:
    since = NOW - GRACE + SECOND
    assert decided(state="past_due", past_due_since=since) == Standing(
        "full", "past_due", 300_000, "quota", changes_at=NOW + SECOND
    )


def test_after_the_grace_a_store_can_read_and_take_its_data() -> None:
    since = NOW - GRACE
    assert decided(state="past_due", past_due_since=since) == Standing(
        "reads", "past_due", None, None, changes_at=NOW + READS_FOR
    )


def test_after_thirty_more_days_it_is_closed() -> None:
    since = NOW - GRACE - READS_FOR
    assert decided(state="past_due", past_due_since=since) == Standing(
        "closed", "past_due", None, None, None
    )


@pytest.mark.parametrize("state", ["unpaid", "incomplete", "incomplete_expired", "paused"])
def test_a_state_without_payment_has_no_grace(state: str) -> None:
    assert decided(state=state).access == "reads"


def test_unpaid_reads_for_thirty_days_from_the_first_late_payment() -> None:
    assert decided(state="unpaid", past_due_since=NOW - READS_FOR + SECOND).access == "reads"
    assert decided(state="unpaid", past_due_since=NOW - READS_FOR).access == "closed"


def test_what_was_cancelled_goes_on_until_the_end_of_what_was_paid() -> None:
    assert decided(state="canceled", ended_at=NOW) == Standing(
        "full", "canceled", 300_000, "quota", changes_at=PERIOD_END
    )
    assert decided(state="canceled", period_end=NOW).access == "reads"
    assert decided(state="canceled", period_end=NOW - READS_FOR).access == "closed"


def test_cancelling_what_is_not_paid_wins_no_time() -> None:
    assert decided(state="canceled", past_due_since=NOW - GRACE).access == "reads"


def test_a_state_of_tomorrow_is_answered() -> None:
    assert decided(state="dreaming").access == "full"
