from __future__ import annotations

from dataclasses import replace

import pytest

from engine.core.gate import (
    PASSED,
    ChampionComparison,
    GateDecision,
    Guards,
    decide_promotion,
    guard_overlap,
)
from engine.core.metrics import Metric

GAIN = Metric(value=0.03, low=0.02, high=0.04)
UNSURE = Metric(value=0.01, low=-0.01, high=0.03)
WORSE = Metric(value=-0.03, low=-0.04, high=-0.02)
RIVAL = ChampionComparison(gain=UNSURE, recall_ratio=1.0, coverage_ratio=1.0, is_same_recipe=False)


def decide(
    *,
    users: int = 500,
    over_popular: Metric = GAIN,
    champion: ChampionComparison | None = None,
    guards: Guards = PASSED,
    is_popularity: bool = False,
) -> GateDecision:
    return decide_promotion(
        test_users=users,
        gain_over_popular=over_popular,
        champion=champion,
        guards=guards,
        is_popularity=is_popularity,
    )


def test_a_first_model_is_promoted_when_it_surely_beats_popularity() -> None:
    decision = decide()
    assert decision.promote
    assert "500 shoppers" in decision.reason


def test_a_first_model_waits_while_its_gain_is_unsure() -> None:
    decision = decide(over_popular=UNSURE)
    assert not decision.promote
    assert "popular lately" in decision.reason


def test_a_store_where_popularity_is_best_gets_it_as_its_first_model_and_is_told_so() -> None:
    everyone_alike = replace(PASSED, coverage=0.01)
    decision = decide(over_popular=Metric(0, 0, 0), guards=everyone_alike, is_popularity=True)
    assert decision.promote
    assert "What is popular lately is the best" in decision.reason
    broken = replace(PASSED, is_finite=False)
    assert not decide(guards=broken, is_popularity=True).promote


def test_popularity_does_not_replace_a_champion_unproven() -> None:
    assert not decide(champion=RIVAL, over_popular=Metric(0, 0, 0), is_popularity=True).promote


def test_a_lower_bound_of_zero_is_no_proof() -> None:
    assert not decide(over_popular=Metric(0.01, 0.0, 0.02)).promote


def test_a_new_recipe_replaces_the_champion_with_any_gain_over_it() -> None:
    assert decide(champion=RIVAL).promote
    assert decide(champion=replace(RIVAL, gain=Metric(0.0, -0.02, 0.02))).promote


def test_a_new_recipe_that_falls_behind_the_champion_is_kept_back() -> None:
    behind = replace(RIVAL, gain=Metric(-0.001, -0.02, 0.018))
    decision = decide(champion=behind)
    assert not decision.promote
    assert "live model" in decision.reason


def test_the_champion_stays_when_recall_or_coverage_falls() -> None:
    assert not decide(champion=replace(RIVAL, recall_ratio=0.97)).promote
    assert not decide(champion=replace(RIVAL, coverage_ratio=0.79)).promote
    assert decide(champion=replace(RIVAL, recall_ratio=0.98, coverage_ratio=0.80)).promote


def test_the_same_recipe_on_newer_data_needs_no_proof_but_must_not_be_surely_worse() -> None:
    same = replace(RIVAL, gain=Metric(0, 0, 0), is_same_recipe=True)
    assert decide(champion=same, over_popular=UNSURE).promote
    assert not decide(champion=same, over_popular=WORSE).promote


@pytest.mark.parametrize("users", [1, 199])
def test_a_small_store_gets_its_model_unless_it_is_surely_worse(users: int) -> None:
    assert decide(users=users, over_popular=UNSURE).promote
    assert not decide(users=users, over_popular=WORSE).promote
    assert not decide(users=users, champion=replace(RIVAL, gain=WORSE)).promote
    assert f"only {users} shoppers" in decide(users=users, over_popular=UNSURE).reason


def test_a_store_without_returning_shoppers_is_told_so() -> None:
    decision = decide(users=0, over_popular=Metric(0, 0, 0))
    assert decision.promote
    assert "Too early to measure" in decision.reason


@pytest.mark.parametrize(("high", "promote"), [(0.019, False), (0.02, True)])
def test_a_model_of_the_same_recipe_that_shows_quite_other_items_is_kept_back(
    high: float, *, promote: bool
) -> None:
    passed = GateDecision(promote=True, reason="Better.")
    found = guard_overlap(passed, overlap=Metric(0.01, 0.0, high))
    assert found.promote is promote
    assert found.reason == "Better." if promote else "1.0%" in found.reason
    failed = GateDecision(promote=False, reason="Worse.")
    assert guard_overlap(failed, overlap=Metric(0.0, 0.0, 0.0)) is failed


@pytest.mark.parametrize(
    ("guards", "named"),
    [
        (replace(PASSED, is_finite=False), "invalid numbers"),
        (replace(PASSED, coverage=0.049), "4.9%"),
        (replace(PASSED, n_bytes=3 * 1024**3), "3.0 GiB"),
        (replace(PASSED, seconds_per_user=0.5), "0.50 s"),
    ],
)
def test_a_broken_model_never_goes_live_however_good(guards: Guards, named: str) -> None:
    for users in (0, 50, 5000):
        decision = decide(users=users, guards=guards)
        assert not decision.promote
        assert named in decision.reason
