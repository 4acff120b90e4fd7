"""Chooses a recipe on the validation window, within a share of the training's seconds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from engine.core.blend import Blend
from engine.core.blend_search import candidate_scores, search_weights
from engine.core.budget import TimeBudget
from engine.core.evaluator import evaluate
from engine.core.examination import Examination
from engine.core.fitting import Workbench
from engine.core.lightfm_search import best_lightfm
from engine.core.parts import Part
from engine.core.portfolio import (
    CONTENT,
    FACTORS,
    HISTORY_HALF_LIVES_DAYS,
    OWN,
    category_popularity_settings,
    co_visits_portfolio,
    ease_portfolio,
    gfcf_portfolio,
    has_ages,
    item_knn_portfolio,
    rp3_portfolio,
)
from engine.core.recipe import PopularitySettings, Recipe, RecommendationType, Settings
from engine.core.recommenders.popularity import WINDOWS_DAYS
from engine.core.training_part import TrainingPart
from engine.core.validation import ValidationExams

_S = TypeVar("_S", bound=Settings)

# A user's history halves in about two months where nothing better has been found out.
_HISTORY_HALF_LIFE_DAYS = 60.0
# Cold items know no behaviour; both ways to their features count alike.
_NEW_ITEM_WEIGHTS = {"content": 1.0, "factors": 1.0}
# Further settings of a family are tried until this share of the run's seconds has gone.
_PORTFOLIO_UNTIL = 0.25
# The first of a family, and so the family, is left out only after this share.
_FAMILY_UNTIL = 0.45
# A dense family is tried when its three fits (to choose, to prove, to serve) fit into this share.
_DENSE_SHARE = 0.5
_FITS = 3
# Settings are told apart on these, weights learnt on all.
_MOST_USERS_SINGLY = 1_000


def prior_recipe(part: TrainingPart, *, seed: int) -> Recipe:
    """Return what a store too small to choose on starts with."""
    category_popularity = category_popularity_settings(part, window_days=7)
    weights = {"popular": 1.0, "item_knn": 1.0, "content": 0.4}
    if category_popularity is not None:
        weights["category_popular"] = 0.2
    return Recipe(
        popularity=PopularitySettings(window_days=7),
        history_half_life_days=_HISTORY_HALF_LIFE_DAYS,
        item_knn=item_knn_portfolio(part)[0],
        content=CONTENT,
        own=OWN,
        category_popularity=category_popularity,
        weights=weights,
        type_weights={"buy_again": {**weights, "own": 2.0}},
        seed=seed,
    )


def popularity_recipe(recipe: Recipe) -> Recipe:
    """Return the recipe that serves its best popularity to everyone, related items beside it."""
    return Recipe(
        popularity=recipe.popularity,
        history_half_life_days=recipe.history_half_life_days,
        item_knn=recipe.item_knn,
        content=recipe.content,
        weights={"popular": 1.0},
        seed=recipe.seed,
    )


def choose_recipe(
    bench: Workbench,
    exams: ValidationExams,
    *,
    budget: TimeBudget,
    champion: Recipe | None,
    epochs: int,
    report: Callable[[float], None],
) -> Recipe:
    """Try a portfolio of settings for each part, then learn the weights of the best.

    A part for which memory does not suffice is left out.

    Parameters
    ----------
    bench : Workbench
        Over the training part that ends where validation begins.
    exams : ValidationExams
        Of the validation window.
    budget : TimeBudget
        Of the whole training run; one thread, one seed and an ample one give the same recipe.
    champion : Recipe or None
        The last winner; its settings are tried first.
    epochs : int
        LightFM's at most; 0 leaves it out.
    report : callable
        Receives the share done, 0..1.
    """
    singly = exams.home.sampled(_MOST_USERS_SINGLY, seed=bench.context.seed)
    search = _Search(bench, singly, budget, champion)
    popularity = search.best("popularity", map(PopularitySettings, WINDOWS_DAYS), is_needed=True)
    report(0.1)
    half_life_days = search.best_half_life()
    search = replace(search, half_life_days=half_life_days)
    report(0.2)
    item_knn = search.best("item_knn", item_knn_portfolio(bench.part), is_needed=True)
    assert popularity is not None and item_knn is not None  # noqa: S101, PT018 - needed ones are
    age = item_knn.half_life_days
    recipe = Recipe(
        popularity=popularity,
        history_half_life_days=half_life_days,
        item_knn=item_knn,
        content=CONTENT,
        co_visits=search.best("co_visits", co_visits_portfolio(age)),
        rp3=search.best("rp3", rp3_portfolio(age)),
        ease=search.best_dense("ease", ease_portfolio(bench.part, age)),
        gfcf=search.best_dense("gfcf", gfcf_portfolio(bench.part)),
        factors=FACTORS,
        category_popularity=category_popularity_settings(
            bench.part, window_days=popularity.window_days
        ),
        own=OWN,
        seed=bench.context.seed,
    )
    report(0.5)
    lightfm, taste = best_lightfm(
        bench, search.ndcg, epochs=epochs, champion=None if champion is None else champion.lightfm
    )
    recipe = replace(recipe, lightfm=lightfm)
    if lightfm is not None and taste is not None:
        bench.fitted[lightfm] = taste
    report(0.8)
    chosen = _with_weights(bench, exams, recipe)
    report(1.0)
    return chosen


@dataclass(frozen=True)
class _Search:
    bench: Workbench
    exam: Examination
    budget: TimeBudget
    champion: Recipe | None
    half_life_days: float | None = _HISTORY_HALF_LIFE_DAYS

    def ndcg(self, part: Part) -> float:
        """Return NDCG@10 of a part alone."""
        alone = Blend(parts=(part,), weights={part.name: 1.0})
        return float(evaluate(alone, self.exam, half_life_days=self.half_life_days).ndcg.mean())

    def best(self, field: str, portfolio: Iterable[_S], *, is_needed: bool = False) -> _S | None:
        """Return the best settings of a family, tried in order until time or memory ends."""
        tried: dict[_S, float] = {}
        for settings in self._with_champions(field, portfolio):
            until = _PORTFOLIO_UNTIL if tried else _FAMILY_UNTIL
            if not self.budget.allows(until_share=until) and (tried or not is_needed):
                break
            try:
                tried[settings] = self.ndcg(self.bench.fit(settings))
            except MemoryError:
                continue
        return max(tried, key=tried.__getitem__, default=None)

    def best_dense(self, field: str, portfolio: Sequence[tuple[_S, float]]) -> _S | None:
        """Return the best of settings whose seconds are foretold and must fit the whole run."""
        affordable = self.budget.seconds * _DENSE_SHARE / _FITS
        return self.best(field, [it for it, seconds in portfolio if seconds <= affordable])

    def best_half_life(self) -> float | None:
        """Return the history's half-life that suits two cheap parts best."""
        if not has_ages(self.bench.part):
            return self.half_life_days
        cheap = (item_knn_portfolio(self.bench.part)[0], co_visits_portfolio(None)[0])
        parts = [self.bench.fit(settings) for settings in cheap]

        def suits(half_life_days: float | None) -> float:
            search = replace(self, half_life_days=half_life_days)
            return sum(search.ndcg(part) for part in parts)

        return max(HISTORY_HALF_LIVES_DAYS, key=suits)

    def _with_champions(self, field: str, portfolio: Iterable[_S]) -> list[_S]:
        """Put the last winner first, unless it is too dear to be in the portfolio at all."""
        settings = list(portfolio)
        last: _S | None = getattr(self.champion, field, None)
        return [last, *(it for it in settings if it != last)] if last and settings else settings


def _with_weights(bench: Workbench, exams: ValidationExams, recipe: Recipe) -> Recipe:
    """Return the recipe with weights for each type, without the parts that got none."""
    parts = tuple(bench.fit(settings) for settings in recipe.settings)
    home = _learnt(parts, exams.home, recipe)
    by_type: dict[str, Mapping[str, float]] = {
        name: _learnt(_speakers(parts, name), exam, recipe) for name, exam in exams.by_type.items()
    }
    by_type["new_items"] = _NEW_ITEM_WEIGHTS
    speaks = {name for weights in (home, *by_type.values()) for name in weights}

    def kept(name: str, settings: _S | None) -> _S | None:
        return settings if name in speaks else None

    return replace(
        recipe,
        weights=home,
        type_weights=by_type,
        rp3=kept("rp3", recipe.rp3),
        ease=kept("ease", recipe.ease),
        gfcf=kept("gfcf", recipe.gfcf),
        co_visits=kept("co_visits", recipe.co_visits),
        lightfm=kept("taste", recipe.lightfm),
        category_popularity=kept("category_popular", recipe.category_popularity),
        own=kept("own", recipe.own),
    )


def _speakers(parts: tuple[Part, ...], type_: RecommendationType) -> tuple[Part, ...]:
    """Leave out what cannot speak: on an item's page there is only the item."""
    if type_ in {"similar", "cart"}:
        return tuple(part for part in parts if part.name not in {"popular", "own"})
    return parts


def _learnt(parts: tuple[Part, ...], exam: Examination, recipe: Recipe) -> dict[str, float]:
    scores = candidate_scores(parts, exam, half_life_days=recipe.history_half_life_days)
    named = zip((part.name for part in parts), search_weights(scores), strict=True)
    return {name: round(float(weight), 3) for name, weight in named if weight > 0}
