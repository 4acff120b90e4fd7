"""The settings worth trying for each part, in order of prior, the same for every store."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from engine.core.recipe import (
    CategoryPopularitySettings,
    ContentSettings,
    CoVisitsSettings,
    EaseSettings,
    FactorsSettings,
    GfcfSettings,
    ItemKnnSettings,
    LightFMSettings,
    OwnHistorySettings,
    Rp3Settings,
)
from engine.core.recommenders import ease, gfcf
from engine.core.training_part import TrainingPart

CONTENT = ContentSettings(neighbours=50)
# Half the dimensions cost cold items 2 to 4 % of NDCG@10 in six draws of two data sets; twice as
# many would bring 3 % more, and a part that is twice as dear to serve.
FACTORS = FactorsSettings(dimensions=256, ridge=1.0)
OWN = OwnHistorySettings()
# From what a user has liked all along to the last thing that was looked at.
HISTORY_HALF_LIVES_DAYS: tuple[float | None, ...] = (60.0, 20.0, 7.0, 2.5, 1.0, 0.5, 180.0, None)
_PAIR_HALF_LIVES_DAYS: tuple[float | None, ...] = (None, 60.0, 30.0)
_NEIGHBOURS = 200
# A user with four pairs adds a quarter to the square of an item's length.
_USUAL_SHRINKAGE = 2.0
_OTHER_SHRINKAGES = (0.5, 8.0)
# Fewer cost a twentieth of its NDCG where items have few users.
_EASE_NEIGHBOURS = 200
_EASE_STRENGTH = 25.0
# Measured on one thread: 3,500 items take 1 s, growing with the cube.
_EASE_SECOND_ITEMS = 3_500
# The same of GF-CF: 10,000 items take 3 s, growing with the square.
_GFCF_SECONDS_PER_PAIR = 3e-8


def has_ages(part: TrainingPart) -> bool:
    """Say whether half-lives make a difference."""
    return bool(np.ptp(part.pairs.seconds))


def item_knn_portfolio(part: TrainingPart) -> list[ItemKnnSettings]:
    """Return cosines with pairs of any age alike, then with old ones fading where there are old."""
    ages = _PAIR_HALF_LIVES_DAYS if has_ages(part) else (None,)
    tried = [(_USUAL_SHRINKAGE, age) for age in ages]
    tried += [(shrinkage, age) for shrinkage in _OTHER_SHRINKAGES for age in ages[:2]]
    return [ItemKnnSettings(_NEIGHBOURS, shrinkage, age) for shrinkage, age in tried]


def rp3_portfolio(half_life_days: float | None) -> list[Rp3Settings]:
    """Return walks that damp popular items not at all, and more."""
    return [
        Rp3Settings(neighbours=_NEIGHBOURS, beta=beta, half_life_days=half_life_days)
        for beta in (0.0, 0.3, 0.5)
    ]


def co_visits_portfolio(part: TrainingPart, half_life_days: float | None) -> list[CoVisitsSettings]:
    """Return long and short windows; none where nobody knows what came first."""
    settings = [
        CoVisitsSettings(neighbours=_NEIGHBOURS, window=window, half_life_days=half_life_days)
        for window in (8, 3)
    ]
    return settings if has_ages(part) else []


def ease_portfolio(
    part: TrainingPart, half_life_days: float | None
) -> list[tuple[EaseSettings, float]]:
    """Return settings with the seconds that one fit takes; none for too many items."""
    items = int(np.count_nonzero(part.is_active))
    if items > ease.MOST_ITEMS:
        return []
    seconds = (items / _EASE_SECOND_ITEMS) ** 3
    # What a pair of items shares by chance grows with how many users an item has.
    usual = float(round(_EASE_STRENGTH * np.sqrt(len(part.pairs) / max(1, items)), -1)) or 10.0
    ages = dict.fromkeys((half_life_days, 60.0, None) if has_ages(part) else (None,))
    settings = [EaseSettings(_EASE_NEIGHBOURS, usual, age) for age in ages]
    settings += [
        EaseSettings(_EASE_NEIGHBOURS, usual * factor, half_life_days) for factor in (0.5, 2.0)
    ]
    return [(it, seconds) for it in settings]


def gfcf_portfolio(
    part: TrainingPart, half_life_days: float | None
) -> list[tuple[GfcfSettings, float]]:
    """Return settings with the seconds that one fit takes; none for too many items."""
    items = int(np.count_nonzero(part.is_active))
    if items > gfcf.MOST_ITEMS:
        return []
    seconds = items**2 * _GFCF_SECONDS_PER_PAIR
    ages = dict.fromkeys((half_life_days, None))
    return [
        (GfcfSettings(neighbours=200, dimensions=256, half_life_days=age), seconds) for age in ages
    ]


def category_popularity_settings(
    part: TrainingPart, *, window_days: int | None
) -> CategoryPopularitySettings | None:
    """Return settings where items have categories."""
    if not any(item.categories for item in part.items):
        return None
    return CategoryPopularitySettings(neighbours=50, window_days=window_days)


def lightfm_portfolio(epochs: int, *, knows_ages: bool = True) -> list[LightFMSettings]:
    """Return the starting field of the successive halving, all to end at ``epochs``.

    The first is the best beside popularity on two data sets of three and the cheaper; the second,
    which knows what is popular, is by far the best for itself.
    """
    for_itself = LightFMSettings(
        dimensions=64,
        learning_rate=0.05,
        item_alpha=0.0,
        feature_weight=1.0,
        epochs=epochs,
        newest_share=0.2,
        newest_epochs=8,
        half_life_days=60.0,
        knows_popularity=True,
        max_sampled=30,
    )
    field = [
        LightFMSettings(64, 0.05, 0.0, 2.0, epochs, 0.0, 0, None),
        for_itself,
        LightFMSettings(32, 0.05, 5e-5, 2.0, epochs, 0.1, 8, 60.0),
        replace(for_itself, feature_weight=2.0, newest_share=0.1),
    ]
    if knows_ages:
        return field
    # The newest of equals would be whoever stands last.
    return [replace(it, newest_share=0.0, newest_epochs=0, half_life_days=None) for it in field]
