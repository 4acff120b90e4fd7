"""The promotion gate: from measured differences to promote-or-keep and why."""

from __future__ import annotations

from dataclasses import dataclass, replace

from engine.core.metrics import Metric

# Under this many test users an interval is too wide to demand a proven gain.
ENOUGH_TEST_USERS = 200
# Of the lists' attainable variety; below, everybody is shown the same few items.
_LEAST_COVERAGE = 0.05
_LEAST_COVERAGE_OF_CHAMPION = 0.80
_LEAST_RECALL_OF_CHAMPION = 0.98
# A day's news leave half of a list and more; a table whose rows were mixed up leaves nothing.
_LEAST_OVERLAP = 0.02
_MOST_BYTES = 2 * 1024**3
# Ten times what a catalogue of 100,000 items takes: a busy machine must not fail a good model.
_MOST_SECONDS_PER_USER = 0.25


@dataclass(frozen=True)
class GateDecision:
    """Whether the challenger goes live, with a reason that a shop owner can read."""

    promote: bool
    reason: str


@dataclass(frozen=True)
class Guards:
    """Sanity of the model that would be served, fit on everything.

    Attributes
    ----------
    is_finite : bool
        No NaN and no infinity in any array.
    coverage : float
        Distinct items in sampled users' top 10 over the most there could be.
    n_bytes : int
        Of all arrays.
    seconds_per_user : float
        That scoring the catalogue took, mean over the sampled users.
    """

    is_finite: bool
    coverage: float
    n_bytes: int
    seconds_per_user: float = 0.0


# What the gate assumes of a recipe that hasn't been refitted yet.
PASSED = Guards(is_finite=True, coverage=1.0, n_bytes=0)


@dataclass(frozen=True)
class ChampionComparison:
    """The challenger's recipe against the champion's, both trained on the same cut.

    Attributes
    ----------
    gain : Metric
        Paired difference of NDCG@10, challenger minus champion.
    recall_ratio, coverage_ratio : float
        Challenger's recall@20 and coverage@10 over the champion's; 1 where the champion has 0.
    is_same_recipe : bool
        The challenger is the champion's recipe on newer data.
    """

    gain: Metric
    recall_ratio: float
    coverage_ratio: float
    is_same_recipe: bool


def decide_promotion(
    *,
    test_users: int,
    gain_over_popular: Metric,
    champion: ChampionComparison | None,
    guards: Guards,
    is_popularity: bool = False,
) -> GateDecision:
    """Decide whether a model goes live.

    Parameters
    ----------
    test_users : int
        How many users the differences are means of.
    gain_over_popular : Metric
        Paired difference of NDCG@10 to popularity in its best window.
    champion : ChampionComparison or None
        None when the store has no champion.
    guards : Guards
    is_popularity : bool
        The model serves popularity itself: a store's first one, when nothing does better.

    Notes
    -----
    Recipes are compared, never artifacts: a champion that has trained on the test window doubles
    its score and could never be beaten (0.098 became 0.207 on Online Retail).
    """
    # Popularity shows everyone the same by its nature.
    broken = _broken_guard(replace(guards, coverage=1.0) if is_popularity else guards)
    if broken is not None:
        return GateDecision(promote=False, reason=broken)
    if is_popularity and champion is None:
        return GateDecision(
            promote=True,
            reason=(
                f"What is popular lately is the best there is for your store: on {test_users} "
                "shoppers' later behaviour no personal blend was shown to be better. Everyone "
                "is served it, and each training tries again."
            ),
        )
    if test_users < ENOUGH_TEST_USERS:
        return _decide_on_little(test_users, gain_over_popular, champion)
    if champion is not None and champion.is_same_recipe:
        return _decide_renewal(gain_over_popular)
    if gain_over_popular.low <= 0:
        return GateDecision(
            promote=False,
            reason=(
                "Not shown to be better than simply listing what is popular lately "
                f"({_gain(gain_over_popular)}, {test_users} shoppers)."
            ),
        )
    if champion is not None:
        worse = _worse_than_champion(champion)
        if worse is not None:
            return GateDecision(promote=False, reason=worse)
    better_than = "what is popular lately" if champion is None else "popularity and the live model"
    return GateDecision(
        promote=True,
        reason=(
            f"Better than {better_than} on {test_users} shoppers' later behaviour "
            f"({_gain(gain_over_popular)} over popularity)."
        ),
    )


def decide_update(guards: Guards, *, new_events: int) -> GateDecision:
    """Decide whether a model that was brought up to date goes live; its recipe was judged before.

    Parameters
    ----------
    guards : Guards
    new_events : int
        That the model before it did not know.
    """
    broken = _broken_guard(guards)
    if broken is not None:
        return GateDecision(promote=False, reason=broken)
    return GateDecision(
        promote=True,
        reason=(
            f"Brought up to date with {new_events} newer events. The last full training showed on "
            "your own history that this helps; its figures are the ones shown."
        ),
    )


def guard_overlap(decision: GateDecision, *, overlap: Metric) -> GateDecision:
    """Keep a model back that shows quite other items than the live one of the same recipe.

    Parameters
    ----------
    decision : GateDecision
        So far.
    overlap : Metric
        Share of ten items that both models show the same shopper.
    """
    if not decision.promote or overlap.high >= _LEAST_OVERLAP:
        return decision
    return GateDecision(
        promote=False,
        reason=(
            f"Shows shoppers {overlap.value:.1%} of the items that the live model shows them, by "
            "the same recipe: newer events alone do not explain that."
        ),
    )


def _broken_guard(guards: Guards) -> str | None:
    if not guards.is_finite:
        return "The model contains invalid numbers, so it was kept from going live."
    if guards.coverage < _LEAST_COVERAGE:
        return (
            f"The model shows nearly everyone the same items: {guards.coverage:.1%} of the "
            f"possible variety, at least {_LEAST_COVERAGE:.0%} is needed."
        )
    if guards.n_bytes > _MOST_BYTES:
        return (
            f"The model takes {guards.n_bytes / 1024**3:.1f} GiB, more than the "
            f"{_MOST_BYTES / 1024**3:.0f} GiB that can be served."
        )
    if guards.seconds_per_user > _MOST_SECONDS_PER_USER:
        return (
            f"The model takes {guards.seconds_per_user:.2f} s to score one shopper, more than the "
            f"{_MOST_SECONDS_PER_USER} s that a call may wait."
        )
    return None


def _decide_on_little(
    test_users: int, gain_over_popular: Metric, champion: ChampionComparison | None
) -> GateDecision:
    if not test_users:
        return GateDecision(
            promote=True,
            reason=(
                "Too early to measure: no shopper has come back for something new yet. A "
                "cautious mix of popular, related and alike items serves until then."
            ),
        )
    little = f"only {test_users} shoppers to test on, {ENOUGH_TEST_USERS} are needed for a proof"
    if gain_over_popular.high < 0:
        return GateDecision(
            promote=False,
            reason=f"Worse than what is popular lately ({_gain(gain_over_popular)}; {little}).",
        )
    if champion is not None and champion.gain.high < 0:
        return GateDecision(
            promote=False,
            reason=f"Worse than the live model's recipe ({_gain(champion.gain)}; {little}).",
        )
    return GateDecision(
        promote=True,
        reason=(
            "A cautious mix of popular, related and alike items, not worse than what is popular "
            f"lately ({_gain(gain_over_popular)}; {little})."
        ),
    )


def _decide_renewal(gain_over_popular: Metric) -> GateDecision:
    if gain_over_popular.high < 0:
        return GateDecision(
            promote=False,
            reason=(
                "The live model's recipe on newer data has become worse than what is popular "
                f"lately ({_gain(gain_over_popular)})."
            ),
        )
    return GateDecision(
        promote=True,
        reason=(
            "The live model's recipe on newer data "
            f"({_gain(gain_over_popular)} over what is popular lately)."
        ),
    )


def _worse_than_champion(champion: ChampionComparison) -> str | None:
    if champion.gain.value < 0:
        return f"Not better than the live model's recipe ({_gain(champion.gain)})."
    if champion.recall_ratio < _LEAST_RECALL_OF_CHAMPION:
        return (
            "Finds fewer of the items shoppers turn to than the live model's recipe "
            f"({champion.recall_ratio:.0%} of its recall@20)."
        )
    if champion.coverage_ratio < _LEAST_COVERAGE_OF_CHAMPION:
        return (
            "Shows fewer different items than the live model's recipe "
            f"({champion.coverage_ratio:.0%} of its coverage@10)."
        )
    return None


def _gain(metric: Metric) -> str:
    return (
        f"NDCG@10 {metric.value:+.4f}, 95 % sure between {metric.low:+.4f} and {metric.high:+.4f}"
    )
