"""The one sentence: each state of a store has its own, and what stops everything comes first."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from saas.portal.status_sentence import Facts, status_sentence

MORNING = datetime(2026, 11, 5, 9, 30, tzinfo=UTC)
SERVED = Facts(live_version="01KV", live_since=MORNING, calls=100)


def test_a_live_model_is_named_with_its_moment() -> None:
    status = status_sentence(SERVED)
    assert status.sentence == (
        "Your shoppers get recommendations from model 01KV, live since 5 November 2026, 09:30 UTC."
    )
    assert (status.tone, status.advice) == ("good", "")


def test_a_pinned_model_says_that_no_training_replaces_it() -> None:
    status = status_sentence(replace(SERVED, is_pinned=True))
    assert status.sentence.endswith("; it is pinned, so no training replaces it.")
    assert status.tone == "good"


def test_no_model_yet_means_the_newest_items_and_no_items_mean_nothing() -> None:
    assert "newest available items until a first model" in status_sentence(Facts()).sentence
    empty = status_sentence(Facts(has_items=False))
    assert "the catalogue has no items yet" in empty.sentence
    assert "POST /v1/items:batch" in empty.advice


@pytest.mark.parametrize(
    ("calls", "fallbacks", "is_said"),
    # A half is the most, and of fewer than 20 calls a share says nothing.
    [(100, 51, True), (100, 50, False), (20, 11, True), (19, 19, False)],
)
def test_a_store_on_fallback_is_told_so(calls: int, fallbacks: int, *, is_said: bool) -> None:
    status = status_sentence(replace(SERVED, calls=calls, fallbacks=fallbacks))
    assert ("fell back" in status.sentence) is is_said
    if is_said:
        assert (
            f"{round(100 * fallbacks / calls)} % of the answers since yesterday" in status.sentence
        )
        assert status.tone == "warn"


def test_used_up_calls_mean_popular_items_or_nothing_until_the_period_ends() -> None:
    used_up = replace(SERVED, limit_ends_at=datetime(2026, 12, 1, tzinfo=UTC))
    assert status_sentence(used_up).sentence == (
        "Your shoppers get your most popular items, the same for all, until 1 December 2026, "
        "00:00 UTC: the period's calls are used up."
    )
    refused = status_sentence(replace(used_up, refuses_beyond_limit=True))
    assert refused.sentence.startswith("Your shoppers get nothing until 1 December 2026")
    assert refused.tone == "bad"


def test_the_test_environment_has_no_limit_and_is_not_called_by_shoppers() -> None:
    tested = replace(SERVED, is_test=True, limit_ends_at=MORNING)
    assert status_sentence(tested).sentence.startswith(
        "Calls to the test environment get recommendations from model 01KV"
    )


def test_an_overdue_invoice_says_when_calls_stop() -> None:
    overdue = replace(SERVED, billing_state="past_due", lapses_at=MORNING + timedelta(days=7))
    status = status_sentence(overdue)
    assert "from 12 November 2026, 09:30 UTC on they get nothing" in status.sentence
    assert status.tone == "warn"


@pytest.mark.parametrize("access", ["reads", "closed"])
def test_a_store_that_does_not_pay_is_told_since_when_it_is_refused(access: str) -> None:
    lapsed = replace(SERVED, access=access, billing_state="past_due", lapses_at=MORNING)
    assert status_sentence(lapsed).sentence == (
        "Your shoppers get nothing: calls have been refused since 5 November 2026, 09:30 UTC "
        "because the subscription is past due."
    )


def test_a_suspension_comes_before_all_else() -> None:
    everything = Facts(
        suspended_since=MORNING,
        access="closed",
        limit_ends_at=MORNING,
        has_items=False,
        billing_state="unpaid",
    )
    status = status_sentence(everything)
    assert status.sentence == (
        "Your shoppers get nothing: this store has been suspended since 5 November 2026, 09:30 "
        "UTC, and its calls are refused."
    )
    assert status.tone == "bad"
