"""What each state of a subscription means, in words of a store's owner."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from saas.portal.billing_states import Facts, billing_state

END = datetime(2026, 12, 1, tzinfo=UTC)
WEEK = datetime(2026, 11, 12, 9, 30, tzinfo=UTC)
ACTIVE = Facts(plan="Starter", state="active", period_end=END, is_bought=True)


def test_an_active_plan_names_its_period_and_what_follows() -> None:
    assert billing_state(ACTIVE).meaning == (
        "The plan is Starter; its period ends on 1 December 2026, 00:00 UTC."
    )
    assert billing_state(replace(ACTIVE, next_plan="Free")).meaning.endswith(
        "From then on it is Free."
    )


def test_a_trial_that_was_bought_goes_on_and_another_has_to_be_bought() -> None:
    trial = replace(ACTIVE, state="trialing", trial_end=WEEK)
    bought = billing_state(trial)
    assert (bought.name, bought.tone) == ("trial", "neutral")
    assert "until 12 November 2026, 09:30 UTC" in bought.meaning
    assert bought.advice.startswith("It goes on by itself")
    assert "Buy it below" in billing_state(replace(trial, is_bought=False)).advice


def test_a_late_payment_is_answered_for_a_week() -> None:
    state = billing_state(replace(ACTIVE, state="past_due", lapses_at=WEEK))
    assert state.meaning == (
        "The last invoice is not paid. All calls are answered until 12 November 2026, 09:30 UTC, "
        "then they are refused."
    )
    assert (state.name, state.tone) == ("past due", "warn")


@pytest.mark.parametrize(
    ("state", "reason", "way_out"),
    [
        ("past_due", "overdue by more than a week", "Pay the open invoice"),
        ("unpaid", "not paid after several attempts", "Pay the open invoice"),
        ("incomplete", "has not gone through", "Pay the open invoice"),
        ("incomplete_expired", "never went through", "Buy a plan"),
        ("paused", "the trial ended", "Buy a plan"),
        ("canceled", "was cancelled", "Buy a plan"),
        ("of_tomorrow", "the subscription is of tomorrow", "Pay the open invoice"),
    ],
)
def test_a_lapsed_plan_says_why_and_what_brings_it_back(
    state: str, reason: str, way_out: str
) -> None:
    found = billing_state(replace(ACTIVE, state=state, access="reads", lapses_at=WEEK))
    assert "refused since 12 November 2026, 09:30 UTC because" in found.meaning
    assert reason in found.meaning
    assert "still be read" in found.meaning
    assert found.advice.startswith(way_out)
    assert found.tone == "bad"
    closed = billing_state(replace(ACTIVE, state=state, access="closed", lapses_at=WEEK))
    assert "still be read" not in closed.meaning


@pytest.mark.parametrize(
    ("limited_by", "reason"),
    [("quota", "included calls"), ("trial", "trial's calls"), ("spend_cap", "spend cap")],
)
def test_a_limit_that_is_reached_says_which_it_was(limited_by: str, reason: str) -> None:
    full = replace(ACTIVE, is_used_up=True, limited_by=limited_by)
    assert reason in billing_state(full).meaning
    assert billing_state(full).name == "used up"
    assert billing_state(replace(full, is_used_up=False)).name == "active"


def test_a_cancelled_plan_can_be_resumed_until_its_end() -> None:
    state = billing_state(replace(ACTIVE, ends_with_period=True))
    assert (state.name, state.tone) == ("ending", "warn")
    assert "resumed" in state.advice


def test_a_suspension_comes_before_all_else_and_no_plan_is_no_fault() -> None:
    suspended = replace(ACTIVE, is_suspended=True, access="closed", state="unpaid")
    assert billing_state(suspended).name == "suspended"
    assert billing_state(replace(ACTIVE, plan=None)).tone == "neutral"
