"""One training run: split, candidates, blend, evaluation, gate, refit on everything."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from threadpoolctl import threadpool_limits

from engine.core.contest import Contest, hold_contest
from engine.core.dataset import Dataset, Interactions
from engine.core.errors import NotEnoughData
from engine.core.evaluator import Evaluation, EvaluationReport, Examination, examination
from engine.core.fitting import Workbench
from engine.core.gate import ENOUGH_TEST_USERS, PASSED, GateDecision, Guards, decide_promotion
from engine.core.recency import robust_newest_seconds
from engine.core.recipe import Recipe
from engine.core.recommenders.protocol import FitContext
from engine.core.refit import guards_of, model_tables
from engine.core.selection import affordable_epochs, choose_recipe, epoch_seconds, prior_recipe
from engine.core.split import TEST_SHARE, VALIDATION_SHARE, Split, temporal_split
from engine.core.tables import ModelTables
from engine.core.trained_model import TrainedModel
from engine.core.training_part import training_part

__all__ = ["TrainedModel", "train_model"]

# Fewer validation users choose noise.
_ENOUGH_VALIDATION_USERS = 100
# More shrink the interval no further that matters.
_MOST_TEST_USERS = 10_000
_VALIDATION_USERS_PER_SECOND = 50
_MOST_VALIDATION_USERS = 2_000


def train_model(
    *,
    dataset: Dataset,
    champion: Recipe | None,
    seconds_budget: float,
    seed: int,
    threads: int,
    report_progress: Callable[[str, float], None],
) -> TrainedModel:
    """Train, examine and judge a model of one store.

    Parameters
    ----------
    dataset : Dataset
    champion : Recipe or None
        Of the model that is live; trained on the same cut and compared.
    seconds_budget : float
        The whole run aims at less on 2 cores; LightFM and EASE shrink or stay out to meet it.
    seed : int
    threads : int
        Of LightFM and BLAS. With 1, the same data and an ample budget give the same bytes again.
    report_progress : callable
        Receives the stage (``preparing``, ``selecting``, ``evaluating``, ``fitting``,
        ``checking``; with LightFM's epochs while they run) and the share of the run done, 0..1.

    Returns
    -------
    TrainedModel
        The challenger; or, when that isn't promoted, the champion's recipe on newer data if that
        is. ``gate.promote`` says whether to put it live.

    Raises
    ------
    NotEnoughData
        When nobody has turned to any item; the message is for the shop's owner.
    """
    _require_likes(dataset)
    with threadpool_limits(limits=threads):
        run = _Run(
            dataset=dataset,
            seconds_budget=seconds_budget,
            context=FitContext(seed=seed, threads=threads),
            report_progress=report_progress,
        )
        return run.train(champion)


def _require_likes(dataset: Dataset) -> None:
    if not (dataset.interactions.weight > 0).any():
        raise NotEnoughData(
            "No shopper has viewed, liked or bought any item of your catalogue yet. Send events "
            "(or import past orders) whose item ids are in the catalogue, then train again."
        )


@dataclass(frozen=True)
class _Run:
    dataset: Dataset
    seconds_budget: float
    context: FitContext
    report_progress: Callable[[str, float], None]

    def train(self, champion: Recipe | None) -> TrainedModel:
        self.report_progress("preparing", 0.0)
        split = temporal_split(self.dataset.interactions, later_share=TEST_SHARE)
        if not (split.earlier.weight > 0).any():
            split = Split(self.dataset.interactions, self.dataset.interactions.take(slice(0)))
        bench = self._bench(split.earlier, stage="evaluating", start=0.45, end=0.65)
        exam = examination(
            bench.part, split.later, most_users=_MOST_TEST_USERS, seed=self.context.seed
        )
        fits = 3 if champion is None or champion.lightfm is None else 4
        affordable = partial(
            affordable_epochs,
            epoch_seconds=epoch_seconds(bench),
            seconds_budget=self.seconds_budget,
        )
        challenger = self._choose(split, exam, affordable(fits=fits))
        if champion is not None:
            champion = _with_epochs_at_most(champion, affordable(fits=1))
        contest = hold_contest(bench, exam, challenger=challenger, champion=champion)
        candidates = self._candidates(challenger, champion, contest)
        judge = partial(self._judge, contest=contest, test_users=len(exam.users))
        # Guards look at the refitted model; until then take them as passed.
        winner = next((it for it in candidates if judge(it, guards=PASSED).promote), candidates[0])
        tables, found = self._refit(winner.recipe)
        self.report_progress("checking", 1.0)
        return TrainedModel(
            recipe=winner.recipe,
            report=self._report(contest, winner, split, exam),
            gate=judge(winner, guards=found),
            tables=tables,
        )

    def _bench(
        self, interactions: Interactions, *, stage: str, start: float, end: float
    ) -> Workbench:
        def report_epoch(done: int, of: int) -> None:
            share = start + (end - start) * done / of
            self.report_progress(f"{stage}, epoch {done} of {of}", share)

        return Workbench(
            part=training_part(self.dataset, interactions),
            context=self.context,
            report_epoch=report_epoch,
        )

    def _choose(self, split: Split, exam: Examination, epochs: int) -> Recipe:
        """Return the best recipe on the validation window, the prior's when it has too little."""
        prior = prior_recipe(seed=self.context.seed)
        validation = temporal_split(split.earlier, later_share=VALIDATION_SHARE)
        if len(exam.users) < ENOUGH_TEST_USERS or not (validation.earlier.weight > 0).any():
            return prior
        bench = self._bench(validation.earlier, stage="selecting", start=0.21, end=0.32)
        most_users = int(_VALIDATION_USERS_PER_SECOND * self.seconds_budget)
        validation_exam = examination(
            bench.part,
            validation.later,
            most_users=min(_MOST_VALIDATION_USERS, max(_ENOUGH_VALIDATION_USERS, most_users)),
            seed=self.context.seed,
        )
        if len(validation_exam.users) < _ENOUGH_VALIDATION_USERS:
            return prior
        return choose_recipe(
            bench,
            validation_exam,
            seconds_budget=self.seconds_budget,
            epochs=epochs,
            seed=self.context.seed,
            report=lambda share: self.report_progress("selecting", 0.05 + 0.4 * share),
        )

    def _candidates(
        self, challenger: Recipe, champion: Recipe | None, contest: Contest
    ) -> list[_Candidate]:
        candidates = [_Candidate(challenger, contest.challenger, challenger == champion)]
        if champion is not None and contest.champion is not None:
            candidates.append(_Candidate(champion, contest.champion, is_champion=True))
        return candidates

    def _judge(
        self, candidate: _Candidate, *, contest: Contest, test_users: int, guards: Guards
    ) -> GateDecision:
        return decide_promotion(
            test_users=test_users,
            gain_over_popular=contest.gain_over_popular(candidate.evaluation),
            champion=contest.comparison(candidate.evaluation, is_same_recipe=candidate.is_champion),
            guards=guards,
        )

    def _refit(self, recipe: Recipe) -> tuple[ModelTables, Guards]:
        bench = self._bench(self.dataset.interactions, stage="fitting", start=0.65, end=0.95)
        tables = model_tables(self.dataset, bench.part, recipe, bench.blend(recipe))
        return tables, guards_of(tables, is_active=bench.part.is_active, seed=self.context.seed)

    def _report(
        self, contest: Contest, winner: _Candidate, split: Split, exam: Examination
    ) -> EvaluationReport:
        lines = self.dataset.interactions
        return EvaluationReport(
            metrics=contest.metrics(winner.evaluation),
            baselines=contest.baselines(),
            counts={
                "events": len(lines),
                "users": len(np.unique(lines.user_index)),
                "items": len(self.dataset.items),
                "train_events": len(split.earlier),
                "test_events": len(split.later),
                "test_users": len(exam.users),
            },
            data_window={
                "first": int(lines.seconds.min()),
                "newest": robust_newest_seconds(lines.seconds),
                "last": int(lines.seconds.max()),
                "test_start": int(split.later.seconds.min(initial=lines.seconds.max())),
            },
        )


@dataclass(frozen=True)
class _Candidate:
    recipe: Recipe
    evaluation: Evaluation
    is_champion: bool


def _with_epochs_at_most(recipe: Recipe, epochs: int) -> Recipe:
    """Cut a champion's LightFM only when it alone would take all of LightFM's share.

    A slow hour must not cripple the champion: it would be beaten for the wrong reason.
    """
    if recipe.lightfm is None:
        return recipe
    lightfm = replace(recipe.lightfm, epochs=min(recipe.lightfm.epochs, max(1, epochs)))
    return replace(recipe, lightfm=lightfm)
