"""Gathers from a training's examination what the store is told of the model."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace

import numpy as np

from engine.core.contest import Contest
from engine.core.dataset import Dataset, Interactions
from engine.core.evaluator import Evaluation
from engine.core.examination import Examination
from engine.core.fitting import Workbench
from engine.core.learning_curve import LearningCurve
from engine.core.popularity_deciles import popularity_deciles
from engine.core.recency import robust_newest_seconds
from engine.core.recipe import Recipe
from engine.core.report import EvaluationReport
from engine.core.strata import category_strata, history_strata, strata_metrics


@dataclass(frozen=True)
class Tested:
    """The recipe that the training ends with, and the test window that it was examined on."""

    later: Interactions
    exam: Examination
    contest: Contest
    recipe: Recipe
    evaluation: Evaluation


def report_of(
    dataset: Dataset, bench: Workbench, tested: Tested, *, curves: Iterable[LearningCurve]
) -> EvaluationReport:
    """Return the report of a training.

    Parameters
    ----------
    dataset : Dataset
    bench : Workbench
        Over the part that ends where the test window begins, with the recipe fitted on it.
    tested : Tested
    curves : iterable of LearningCurve
        Of the search for LightFM's settings.
    """
    lines, part, seed = dataset.interactions, bench.part, bench.context.seed
    exam, marks = tested.exam, tested.evaluation
    metrics = tested.contest.metrics(marks)
    lightfm = asdict(tested.recipe.lightfm) if tested.recipe.lightfm else None
    return EvaluationReport(
        metrics=metrics,
        baselines=tested.contest.baselines(),
        counts={
            "events": len(lines),
            "users": len(np.unique(lines.user_index)),
            "items": len(dataset.items),
            "train_events": len(part.interactions),
            "test_events": len(tested.later),
            "test_users": len(exam.users),
        },
        data_window={
            "first": int(lines.seconds.min()),
            "newest": robust_newest_seconds(lines.seconds),
            "last": int(lines.seconds.max()),
            "test_start": int(tested.later.seconds.min(initial=lines.seconds.max())),
        },
        strata={
            **strata_metrics(
                bench.blend(tested.recipe),
                tested.recipe,
                part,
                tested.later,
                warm=metrics if len(exam.users) else None,
                seed=seed,
            ),
            **history_strata(marks, exam, seed=seed),
            **category_strata(marks, part.items, seed=seed),
        },
        popularity_deciles=popularity_deciles(marks, tested.contest.decile_of),
        training_curve=[replace(it, is_chosen=it.settings == lightfm) for it in curves],
    )
