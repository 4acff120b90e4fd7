"""Decides on a lagged window whether models of a recipe are worth bringing up to date."""

from __future__ import annotations

from engine.core.blend import Blend
from engine.core.dataset import Dataset, Interactions
from engine.core.evaluator import evaluate
from engine.core.examination import examination
from engine.core.fitting import Workbench
from engine.core.recipe import Recipe, UpdateSettings
from engine.core.split import temporal_split
from engine.core.training_part import training_part
from engine.core.validation import ENOUGH_VALIDATION_USERS
from engine.core.warm_start import BaseBlend, updated_blend

# Of the validation window: the older half is what is new to the base, the newer half examines.
_EXAMINED_SHARE = 0.5
_EPOCHS = (3, 8)
_MOST_USERS = 1_000


def choose_update(
    dataset: Dataset, bench: Workbench, later: Interactions, recipe: Recipe
) -> UpdateSettings | None:
    """Return how to bring models of a recipe up to date, None where that did not help.

    Parameters
    ----------
    dataset : Dataset
    bench : Workbench
        Over the part that ends where validation begins; the recipe is fitted on it.
    later : Interactions
        The validation window, whose lines have times.
    recipe : Recipe

    Notes
    -----
    The stale model meets the same histories as the updated one, as at serving: there they are
    always fresh. Any gain counts: half a window has too few shoppers to be 95 % sure of the 16 %
    that updates bring on Online Retail, and updates that change nothing cost seconds.
    """
    cut = temporal_split(later, later_share=_EXAMINED_SHARE)
    if not len(cut.later):
        return None
    is_past = dataset.interactions.seconds < cut.later.seconds.min()
    part = training_part(dataset, dataset.interactions.take(is_past))
    seed = bench.context.seed
    exam = examination(part, cut.later, most_users=_MOST_USERS, seed=seed)
    if len(exam.users) < ENOUGH_VALIDATION_USERS:
        return None

    def examined(blend: Blend) -> float:
        found = evaluate(blend, exam, half_life_days=recipe.history_half_life_days)
        return float(found.ndcg.mean())

    stale = bench.blend(recipe)
    base = base_of(bench, recipe, stale)
    fresh = Workbench(part, bench.context, lambda _done, _of: None)
    tried = {
        epochs: examined(updated_blend(fresh, recipe, base, epochs=epochs).blend)
        for epochs in (_EPOCHS if recipe.lightfm else (0,))
    }
    best = max(tried, key=lambda epochs: tried[epochs])
    return UpdateSettings(epochs=best) if tried[best] > examined(stale) else None


def base_of(bench: Workbench, recipe: Recipe, blend: Blend) -> BaseBlend:
    """Return a blend that was fitted on a bench as the base of an update."""
    return BaseBlend(
        parts={part.name: part for part in blend.parts},
        taste=bench.states[recipe.lightfm] if recipe.lightfm else None,
        item_ids=[item.item_id for item in bench.part.items],
        feature_names=list(bench.part.features.space.vocabulary),
        newest_seconds=bench.part.newest_seconds,
    )
