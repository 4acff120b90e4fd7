"""Chooses a recipe on the validation window, within a share of the training's seconds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np

from engine.core.blend import Blend
from engine.core.blend_search import candidate_scores, search_weights
from engine.core.evaluator import Examination, evaluate
from engine.core.fitting import Settings, Workbench, settings_of
from engine.core.recipe import (
    ContentSettings,
    EaseSettings,
    ItemKnnSettings,
    LightFMSettings,
    PopularitySettings,
    Recipe,
)
from engine.core.recommenders.ease import MOST_ITEMS
from engine.core.recommenders.lightfm_hybrid import seconds_per_pair
from engine.core.recommenders.popularity import WINDOWS_DAYS

_S = TypeVar("_S", bound=Settings)

# A user's history halves in about two months; 30 to 120 days measure alike on Online Retail.
_HISTORY_HALF_LIFE_DAYS = 60.0
_CONTENT = ContentSettings(neighbours=50)
# In order of prior: a small budget tries the first ones only.
_ITEM_KNN_PORTFOLIO = (
    ItemKnnSettings(neighbours=50, shrinkage=10.0, half_life_days=None),
    ItemKnnSettings(neighbours=50, shrinkage=10.0, half_life_days=60.0),
    ItemKnnSettings(neighbours=50, shrinkage=10.0, half_life_days=30.0),
)
_EASE_PORTFOLIO = (
    EaseSettings(neighbours=100, regularisation=200.0, half_life_days=60.0),
    EaseSettings(neighbours=100, regularisation=400.0, half_life_days=None),
    EaseSettings(neighbours=100, regularisation=200.0, half_life_days=30.0),
    EaseSettings(neighbours=100, regularisation=100.0, half_life_days=60.0),
    EaseSettings(neighbours=100, regularisation=800.0, half_life_days=None),
)
_LIGHTFM = LightFMSettings(
    dimensions=32,
    learning_rate=0.05,
    item_alpha=5e-6,
    feature_weight=1.0,
    epochs=0,
    newest_share=0.2,
    newest_epochs=8,
    half_life_days=60.0,
)
# Coarse steps: a slightly slower run of the same data still trains the same recipe.
_EPOCH_STEPS = (1, 2, 4, 8, 16, 30)
_LIGHTFM_SHARE = 0.6
# Late epochs sample more negatives, and the refit has more events than what was measured.
_EPOCH_GROWTH = 1.4
_EASE_SHARE = 0.2
# Measured on one thread: 3,000 items take 1 s, growing with the cube.
_EASE_SECOND_ITEMS = 3_000


def prior_recipe(*, seed: int) -> Recipe:
    """Return what a store too small to choose on starts with."""
    return Recipe(
        popularity=PopularitySettings(window_days=7),
        history_half_life_days=_HISTORY_HALF_LIFE_DAYS,
        item_knn=_ITEM_KNN_PORTFOLIO[0],
        content=_CONTENT,
        weights={"popular": 1.0, "item_knn": 1.0, "content": 0.4},
        seed=seed,
    )


def epoch_seconds(bench: Workbench) -> float:
    """Return what one LightFM epoch over the bench's pairs will take, measured on a sample."""
    pair_seconds = seconds_per_pair(_LIGHTFM, bench.part, bench.context)
    return pair_seconds * len(bench.part.pairs) * _EPOCH_GROWTH


def affordable_epochs(*, epoch_seconds: float, seconds_budget: float, fits: int) -> int:
    """Return how many LightFM epochs each of ``fits`` fits may have, 0 when not one fits.

    Examples
    --------
    >>> # 60 % of 100 s for three fits; eight epochs on the newest fifth cost 1.6.
    >>> affordable_epochs(epoch_seconds=2.0, seconds_budget=100.0, fits=3)
    8
    """
    per_fit = seconds_budget * _LIGHTFM_SHARE / fits
    newest_epochs = _LIGHTFM.newest_share * _LIGHTFM.newest_epochs
    fitting = [s for s in _EPOCH_STEPS if (s + newest_epochs) * epoch_seconds <= per_fit]
    return max(fitting, default=0)


def choose_recipe(
    bench: Workbench,
    exam: Examination,
    *,
    seconds_budget: float,
    epochs: int,
    seed: int,
    report: Callable[[float], None],
) -> Recipe:
    """Try a portfolio of settings for each part, then learn the weights of the best.

    Parameters
    ----------
    bench : Workbench
        Over the training part that ends where validation begins.
    exam : Examination
        The validation window.
    seconds_budget : float
        Of the whole training run.
    epochs : int
        Of LightFM; 0 leaves it out.
    seed : int
    report : callable
        Receives the share done, 0..1.
    """
    popularity = _best(bench, exam, [PopularitySettings(days) for days in WINDOWS_DAYS])
    report(0.1)
    item_knn = _best(bench, exam, _ITEM_KNN_PORTFOLIO)
    report(0.2)
    tries = _ease_tries(bench, seconds_budget)
    ease = _best(bench, exam, _EASE_PORTFOLIO[:tries]) if tries else None
    report(0.4)
    recipe = Recipe(
        popularity=popularity,
        history_half_life_days=_HISTORY_HALF_LIFE_DAYS,
        item_knn=item_knn,
        ease=ease,
        content=_CONTENT,
        lightfm=replace(_LIGHTFM, epochs=epochs) if epochs else None,
        seed=seed,
    )
    parts = tuple(bench.fit(settings) for settings in settings_of(recipe))
    report(0.7)
    scores = candidate_scores(parts, exam, half_life_days=_HISTORY_HALF_LIFE_DAYS)
    weights = search_weights(scores)
    report(1.0)
    named = zip((part.name for part in parts), weights, strict=True)
    return replace(recipe, weights={name: round(float(weight), 3) for name, weight in named})


def _ease_tries(bench: Workbench, seconds_budget: float) -> int:
    items = min(MOST_ITEMS, int(np.count_nonzero(bench.part.is_active)))
    seconds = max(0.1, (items / _EASE_SECOND_ITEMS) ** 3)
    # Two more fits follow: on the whole training part, and on everything.
    return min(len(_EASE_PORTFOLIO), max(0, int(seconds_budget * _EASE_SHARE / seconds) - 2))


def _best(bench: Workbench, exam: Examination, portfolio: Sequence[_S]) -> _S:
    def ndcg(settings: _S) -> float:
        part = bench.fit(settings)
        alone = Blend(parts=(part,), weights={part.name: 1.0})
        return float(evaluate(alone, exam, half_life_days=_HISTORY_HALF_LIFE_DAYS).ndcg.mean())

    return max(portfolio, key=ndcg)
