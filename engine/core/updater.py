"""One update between trainings: the same recipe on what has happened since, without a search."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from threadpoolctl import threadpool_limits

from engine.core.base_model import BaseModel
from engine.core.dataset import Dataset
from engine.core.fitting import Workbench
from engine.core.gate import decide_update
from engine.core.recommenders.protocol import FitContext
from engine.core.refit import guards_of, model_tables
from engine.core.report import EvaluationReport
from engine.core.split import arrangement_of
from engine.core.trained_model import TrainedModel
from engine.core.training_part import TrainingPart, training_part
from engine.core.warm_start import new_pairs, updated_blend


def update_model(
    *,
    dataset: Dataset,
    base: BaseModel,
    threads: int,
    report_progress: Callable[[str, float], None],
) -> TrainedModel | None:
    """Bring a model up to date with what has happened since it was made.

    Parameters
    ----------
    dataset : Dataset
        All of today's: the base's events, too.
    base : BaseModel
        Whose recipe has `UpdateSettings`.
    threads : int
        Of LightFM and BLAS. With 1, the same data and base give the same bytes again.
    report_progress : callable
        Receives the stage (``updating``, ``checking``) and the share done, 0..1.

    Returns
    -------
    TrainedModel or None
        With the base's examination, since that is its recipe's; None when nothing is new.

    Raises
    ------
    ValueError
        When LightFM's numbers ran off, or the base's recipe is not to be updated.
    """
    if base.recipe.update is None:
        raise ValueError("Models of this recipe were not shown to gain by updates: train instead.")
    if arrangement_of(dataset.interactions) != "time":
        return None
    report_progress("updating", 0.0)
    with threadpool_limits(limits=threads):
        part = training_part(dataset, dataset.interactions)
        found = len(new_pairs(part, base.blend))
        if not found:
            return None
        context = FitContext(seed=base.recipe.seed, threads=threads)
        bench = Workbench(part, context, lambda _done, _of: None)
        updated = updated_blend(bench, base.recipe, base.blend, epochs=base.recipe.update.epochs)
        tables = model_tables(dataset, part, base.recipe, updated.blend)
        report_progress("checking", 0.9)
        guards = guards_of(tables, is_active=part.is_active, seed=context.seed)
    is_new = part.interactions.seconds > base.blend.newest_seconds
    return TrainedModel(
        recipe=base.recipe,
        report=_report(base.report, part),
        gate=decide_update(guards, new_events=int(is_new.sum())),
        tables=tables,
        taste=updated.taste,
    )


def _report(report: EvaluationReport, part: TrainingPart) -> EvaluationReport:
    """Return the base's examination with the sizes and times of what is known now."""
    lines = part.interactions
    return replace(
        report,
        counts={
            **report.counts,
            "events": len(lines),
            "users": len(np.unique(lines.user_index)),
            "items": part.n_items,
        },
        data_window={
            **report.data_window,
            "first": int(lines.seconds.min()),
            "newest": part.newest_seconds,
            "last": int(lines.seconds.max()),
        },
    )
