"""Chooses a recipe on the validation window, within a share of the training's seconds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

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
from engine.core.recipe import (
    PARTS,
    LightFMSettings,
    PopularitySettings,
    Recipe,
    RecommendationType,
    Settings,
)
from engine.core.recommenders.popularity import WINDOWS_DAYS
from engine.core.training_part import TrainingPart
from engine.core.validation import ValidationExams

_S = TypeVar("_S", bound=Settings)

# A user's history halves in about two months where nothing better has been found out.
_HISTORY_HALF_LIFE_DAYS = 60.0
# Cold items know no behaviour; of both ways to their features the one that was taught by behaviour
# counts more: 1 to 8 % of NDCG@10 in six draws of two data sets.
NEW_ITEM_WEIGHTS = {"content": 1.0, "factors": 2.0}
# Related items, popular items and descriptions are there to be served by themselves.
_ALWAYS_FITTED = {"popular", "item_knn", "content"}
# Their histories are items of one moment, which have no ages.
_OF_ONE_MOMENT: tuple[RecommendationType, ...] = ("similar", "cart")
# Further settings of a family are tried until this share of the run's seconds has gone.
_PORTFOLIO_UNTIL = 0.25
# The first of a family, and so the family, is left out only after this share.
_FAMILY_UNTIL = 0.45
# A dense family is tried when its three fits (to choose, to prove, to serve) fit into this share.
_DENSE_SHARE = 0.5
_FITS = 3
# Settings are told apart on these, weights learnt on all.
_MOST_USERS_SINGLY = 1_000
# Enough for a curve to look at.
_MOST_USERS_AT_A_GLANCE = 200
# Tried in this order, within the first half of the choice.
_FAMILIES = ("popularity", "history", "item_knn", "co_visits", "rp3", "ease", "gfcf")
_FAMILIES_SHARE = 0.5


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
    report: Callable[[str, float], None],
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
        Receives what is being done and the share done, 0..1; LightFM's epochs the bench tells.
    """
    singly = exams.home.sampled(_MOST_USERS_SINGLY, seed=bench.context.seed)
    search = _Search(bench, singly, budget, champion, report)
    popularity = search.best("popularity", map(PopularitySettings, WINDOWS_DAYS), is_needed=True)
    half_life_days = search.best_half_life()
    search = replace(search, half_life_days=half_life_days)
    item_knn = search.best("item_knn", item_knn_portfolio(bench.part), is_needed=True)
    assert popularity is not None and item_knn is not None  # noqa: S101, PT018 - needed ones are
    age = item_knn.half_life_days
    recipe = Recipe(
        popularity=popularity,
        history_half_life_days=half_life_days,
        item_knn=item_knn,
        content=CONTENT,
        co_visits=search.best("co_visits", co_visits_portfolio(bench.part, age)),
        rp3=search.best("rp3", rp3_portfolio(age)),
        ease=search.best_dense("ease", ease_portfolio(bench.part, age)),
        gfcf=search.best_dense("gfcf", gfcf_portfolio(bench.part, age)),
        factors=FACTORS,
        category_popularity=category_popularity_settings(
            bench.part, window_days=popularity.window_days
        ),
        own=OWN,
        seed=bench.context.seed,
    )
    beside = [bench.fit(it) for it in (popularity, recipe.ease or recipe.gfcf or item_knn)]
    recipe = replace(recipe, lightfm=search.best_lightfm(epochs, beside=beside))
    report("blending", 0.8)
    half_lives = dict.fromkeys((_HISTORY_HALF_LIFE_DAYS, half_life_days))
    return _with_weights(bench, exams, recipe, half_lives)


@dataclass(frozen=True)
class _Search:
    bench: Workbench
    exam: Examination
    budget: TimeBudget
    champion: Recipe | None
    report: Callable[[str, float], None]
    half_life_days: float | None = _HISTORY_HALF_LIFE_DAYS

    def ndcg(self, part: Part, *, beside: Sequence[Part] = ()) -> float:
        """Return NDCG@10 of a part alone, or with others that count alike."""
        parts = (*beside, part)
        blend = Blend(parts=parts, weights={each.name: 1.0 for each in parts})
        return float(evaluate(blend, self.exam, half_life_days=self.half_life_days).ndcg.mean())

    def best(self, field: str, portfolio: Iterable[_S], *, is_needed: bool = False) -> _S | None:
        """Return the best settings of a family, tried in order until time or memory ends."""
        tried: dict[_S, float] = {}
        candidates = self._with_champions(field, portfolio)
        for place, settings in enumerate(candidates):
            until = _PORTFOLIO_UNTIL if tried else _FAMILY_UNTIL
            if not self.budget.allows(until_share=until) and (tried or not is_needed):
                break
            self._tell(field, place, of=len(candidates))
            try:
                tried[settings] = self.ndcg(self.bench.fit(settings))
            except MemoryError:
                continue
        return max(tried, key=tried.__getitem__, default=None)

    def best_dense(self, field: str, portfolio: Sequence[tuple[_S, float]]) -> _S | None:
        """Return the best of settings whose seconds are foretold and must fit the whole run."""
        affordable = self.budget.seconds * _DENSE_SHARE / _FITS
        return self.best(field, [it for it, seconds in portfolio if seconds <= affordable])

    def best_lightfm(self, epochs: int, *, beside: Sequence[Part]) -> LightFMSettings | None:
        """Return the settings that do best beside other parts, None for no epochs or memory."""
        last = None if self.champion is None else self.champion.lightfm
        few = self.exam.sampled(_MOST_USERS_AT_A_GLANCE, seed=self.bench.context.seed)
        try:
            found = best_lightfm(
                self.bench,
                partial(self.ndcg, beside=beside),
                replace(self, exam=few).ndcg,
                epochs=epochs,
                champion=last,
            )
        except MemoryError:
            return None
        if found is None:
            return None
        self.bench.keep_taste(found.settings, found.taste)
        self.bench.curves.extend(found.curves)
        return found.settings

    def best_half_life(self) -> float | None:
        """Return the history's half-life that suits two cheap parts best."""
        if not has_ages(self.bench.part):
            return self.half_life_days
        cheap = (
            item_knn_portfolio(self.bench.part)[0],
            co_visits_portfolio(self.bench.part, None)[0],
        )
        parts = [self.bench.fit(settings) for settings in cheap]
        suits = {}
        for place, half_life_days in enumerate(HISTORY_HALF_LIVES_DAYS):
            self._tell("history", place, of=len(HISTORY_HALF_LIVES_DAYS))
            search = replace(self, half_life_days=half_life_days)
            suits[half_life_days] = sum(search.ndcg(part) for part in parts)
        return max(suits, key=lambda it: suits[it])

    def _tell(self, family: str, place: int, *, of: int) -> None:
        share = (_FAMILIES.index(family) + place / of) / len(_FAMILIES) * _FAMILIES_SHARE
        self.report(f"selecting, {family} {place + 1} of {of}", share)

    def _with_champions(self, field: str, portfolio: Iterable[_S]) -> list[_S]:
        """Put the last winner first, unless it is too dear to be in the portfolio at all."""
        settings = list(portfolio)
        last: _S | None = getattr(self.champion, field, None)
        return [last, *(it for it in settings if it != last)] if last and settings else settings


def _with_weights(
    bench: Workbench, exams: ValidationExams, recipe: Recipe, half_lives: Iterable[float | None]
) -> Recipe:
    """Return the recipe with the best half-life and weights, without the parts that got none.

    A half-life that suits single parts is not always the blend's: on Online Retail 20 days suit
    each part, 60 days their blend and what is bought again.
    """
    parts = tuple(bench.fit(settings) for settings in recipe.settings)

    def learnt(
        exam: Examination, type_: RecommendationType, half_life_days: float | None
    ) -> _Learnt:
        return _learn(_speakers(parts, type_), exam, half_life_days)

    personal: dict[RecommendationType, Examination] = {"home": exams.home, **exams.by_type}
    moments = {name: personal.pop(name) for name in _OF_ONE_MOMENT if name in personal}
    by_half_life = {
        age: {name: learnt(exam, name, age) for name, exam in personal.items()}
        for age in half_lives
    }
    best = max(by_half_life, key=lambda age: sum(it.ndcg for it in by_half_life[age].values()))
    found = by_half_life[best] | {name: learnt(exam, name, best) for name, exam in moments.items()}
    by_type: dict[str, Mapping[str, float]] = {name: it.weights for name, it in found.items()}
    home = by_type.pop("home")
    by_type["new_items"] = NEW_ITEM_WEIGHTS
    speaks = {name for weights in (home, *by_type.values()) for name in weights}
    silent: dict[str, Any] = {
        field: None for name, field in PARTS.items() if name not in speaks | _ALWAYS_FITTED
    }
    return replace(
        recipe, history_half_life_days=best, weights=home, type_weights=by_type, **silent
    )


@dataclass(frozen=True)
class _Learnt:
    weights: Mapping[str, float]
    ndcg: float


def _learn(parts: tuple[Part, ...], exam: Examination, half_life_days: float | None) -> _Learnt:
    scores = candidate_scores(parts, exam, half_life_days=half_life_days)
    weights = search_weights(scores)
    named = zip((part.name for part in parts), weights, strict=True)
    return _Learnt(
        weights={name: round(float(weight), 3) for name, weight in named if weight > 0},
        ndcg=scores.mean_ndcg(weights),
    )


def _speakers(parts: tuple[Part, ...], type_: RecommendationType) -> tuple[Part, ...]:
    """Leave out what cannot speak: on an item's page there is only the item."""
    silent = {"popular", "own"} if type_ in _OF_ONE_MOMENT else set()
    if type_ == "home":
        # What a user has had is left out of the lists that home weights are learnt on.
        silent = {"own"}
    return tuple(part for part in parts if part.name not in silent)
