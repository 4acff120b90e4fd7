"""One training run: split, candidates, blend, evaluation, gate, refit on everything."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from threadpoolctl import threadpool_limits

from engine.core.budget import TimeBudget
from engine.core.contest import Contest, hold_contest
from engine.core.dataset import Dataset, Interactions
from engine.core.errors import NotEnoughData
from engine.core.evaluator import Evaluation
from engine.core.examination import examination
from engine.core.fitting import Workbench
from engine.core.gate import ENOUGH_TEST_USERS, PASSED, GateDecision, Guards, decide_promotion
from engine.core.learning_curve import LearningCurve
from engine.core.lightfm_search import affordable_epochs, epoch_seconds
from engine.core.model_report import Tested, report_of
from engine.core.recipe import Recipe, UpdateSettings
from engine.core.recommenders.protocol import FitContext
from engine.core.recommenders.taste_state import TasteState
from engine.core.refit import guards_of, model_tables
from engine.core.selection import choose_recipe, popularity_recipe, prior_recipe
from engine.core.split import (
    TEST_SHARE,
    VALIDATION_SHARE,
    Arrangement,
    Split,
    dated,
    hold_out,
)
from engine.core.tables import ModelTables
from engine.core.trained_model import TrainedModel
from engine.core.training_part import training_part
from engine.core.update_choice import choose_update
from engine.core.validation import ENOUGH_VALIDATION_USERS, validation_exams

__all__ = ["TrainedModel", "train_model"]

# More shrink the interval no further that matters.
_MOST_TEST_USERS = 10_000
# Scores of users and items that 120 s leave time for, in the examination.
_SCORES_PER_SECOND = 3_000_000
# Whether updates help is found out until this share of the seconds has gone; after that, what the
# champion's training has found out stands.
_UPDATE_UNTIL = 0.8


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
        Receives the stage and the share of the run done, 0..1. Stages are ``preparing``,
        ``selecting`` (with the family of candidates and its number), ``blending``,
        ``evaluating``, ``fitting`` and ``checking``; with LightFM's epochs while they run.

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
    context = FitContext(seed=seed, threads=threads)
    with threadpool_limits(limits=threads):
        return _Run.of(dataset, seconds_budget, context, report_progress).train(champion)


def select_recipe(
    *,
    dataset: Dataset,
    champion: Recipe | None,
    seconds_budget: float,
    seed: int,
    threads: int,
) -> Recipe:
    """Choose a recipe by validation within a dataset, without proving or refitting it.

    The parameters are those of `train_model`; what is chosen for the whole run's seconds.
    """
    context = FitContext(seed=seed, threads=threads)
    with threadpool_limits(limits=threads):
        run = _Run.of(dataset, seconds_budget, context, lambda stage, share: None)
        return run.choose(run.dataset.interactions, champion, further_fits=2).recipe


@dataclass(frozen=True)
class _Run:
    dataset: Dataset
    arrangement: Arrangement
    budget: TimeBudget
    context: FitContext
    report_progress: Callable[[str, float], None]

    @classmethod
    def of(
        cls,
        dataset: Dataset,
        seconds_budget: float,
        context: FitContext,
        report_progress: Callable[[str, float], None],
    ) -> _Run:
        if not (dataset.interactions.weight > 0).any():
            raise NotEnoughData(
                "No shopper has viewed, liked or bought any item of your catalogue yet. Send "
                "events (or import past orders) whose item ids are in the catalogue, then train "
                "again."
            )
        lines, arrangement = dated(dataset.interactions)
        return cls(
            dataset=replace(dataset, interactions=lines),
            arrangement=arrangement,
            budget=TimeBudget(seconds_budget),
            context=context,
            report_progress=report_progress,
        )

    def train(self, champion: Recipe | None) -> TrainedModel:
        self.report_progress("preparing", 0.0)
        split = self._cut(self.dataset.interactions, later_share=TEST_SHARE)
        if not (split.earlier.weight > 0).any():
            split = Split(self.dataset.interactions, self.dataset.interactions.take(slice(0)))
        bench = self._bench(split.earlier, stage="evaluating", start=0.45, end=0.65)
        exam = examination(
            bench.part, split.later, most_users=self._test_users(), seed=self.context.seed
        )
        if len(exam.users) < ENOUGH_TEST_USERS:
            choice = _Choice(prior_recipe(bench.part, seed=self.context.seed))
        else:
            further_fits = 2 if champion is None or champion.lightfm is None else 3
            choice = self.choose(split.earlier, champion, further_fits=further_fits)
        self.report_progress("evaluating", 0.45)
        if champion is not None:
            champion = self._with_epochs_at_most(champion, bench)
        contest = hold_contest(bench, exam, challenger=choice.recipe, champion=champion)
        candidates = self._candidates(choice.recipe, champion, contest)
        judge = partial(self._judge, contest=contest, test_users=len(exam.users))
        # Guards look at the refitted model; until then take them as passed.
        winner = next((it for it in candidates if judge(it, guards=PASSED).promote), candidates[0])
        report = report_of(
            self.dataset,
            bench,
            Tested(split.later, exam, contest, winner.recipe, winner.evaluation),
            curves=choice.curves,
        )
        bench.fitted.clear()
        self.report_progress("fitting", 0.65)
        tables, taste, found = self._refit(winner.recipe)
        return TrainedModel(
            recipe=winner.recipe,
            report=report,
            gate=judge(winner, guards=found),
            tables=tables,
            taste=taste,
        )

    def choose(
        self, interactions: Interactions, champion: Recipe | None, *, further_fits: int
    ) -> _Choice:
        """Return the best recipe on the validation window, the prior's when it has too little."""
        split = self._cut(interactions, later_share=VALIDATION_SHARE)
        prior = prior_recipe(training_part(self.dataset, interactions), seed=self.context.seed)
        if not (split.earlier.weight > 0).any():
            return _Choice(prior)
        bench = self._bench(split.earlier, stage="selecting", start=0.25, end=0.37)
        exams = validation_exams(
            bench.part,
            split.later,
            seconds_budget=self.budget.seconds,
            seed=self.context.seed,
        )
        if len(exams.home.users) < ENOUGH_VALIDATION_USERS:
            return _Choice(prior)
        recipe = choose_recipe(
            bench,
            exams,
            budget=self.budget,
            champion=champion,
            epochs=affordable_epochs(
                epoch_seconds=epoch_seconds(bench),
                seconds_budget=self.budget.seconds,
                further_fits=further_fits,
            ),
            report=lambda stage, share: self.report_progress(stage, 0.05 + 0.4 * share),
        )
        update = self._update(interactions, bench, split, recipe, champion)
        return _Choice(replace(recipe, update=update), bench.curves)

    def _update(
        self,
        interactions: Interactions,
        bench: Workbench,
        split: Split,
        recipe: Recipe,
        champion: Recipe | None,
    ) -> UpdateSettings | None:
        if self.arrangement != "time":
            return None
        if not self.budget.allows(until_share=_UPDATE_UNTIL):
            return None if champion is None else champion.update
        known = replace(self.dataset, interactions=interactions)
        return choose_update(known, bench, split.later, recipe)

    def _cut(self, interactions: Interactions, *, later_share: float) -> Split:
        return hold_out(
            interactions,
            arrangement=self.arrangement,
            later_share=later_share,
            seed=self.context.seed,
        )

    def _bench(
        self, interactions: Interactions, *, stage: str, start: float, end: float
    ) -> Workbench:
        def report_epoch(done: int, of: int) -> None:
            share = start + (end - start) * done / of
            self.report_progress(f"{stage}, lightfm epoch {done} of {of}", share)

        return Workbench(
            part=training_part(self.dataset, interactions),
            context=self.context,
            report_epoch=report_epoch,
        )

    def _test_users(self) -> int:
        affordable = self.budget.seconds * _SCORES_PER_SECOND / len(self.dataset.items)
        return int(min(_MOST_TEST_USERS, max(2 * ENOUGH_TEST_USERS, affordable)))

    def _with_epochs_at_most(self, recipe: Recipe, bench: Workbench) -> Recipe:
        """Cut a champion's LightFM only when it alone would take all of LightFM's share.

        A slow hour must not cripple the champion: it would be beaten for the wrong reason.
        """
        if recipe.lightfm is None:
            return recipe
        epochs = affordable_epochs(
            epoch_seconds=epoch_seconds(bench),
            seconds_budget=self.budget.seconds,
            further_fits=0,
        )
        lightfm = replace(recipe.lightfm, epochs=min(recipe.lightfm.epochs, max(1, epochs)))
        return replace(recipe, lightfm=lightfm)

    def _candidates(
        self, challenger: Recipe, champion: Recipe | None, contest: Contest
    ) -> list[_Candidate]:
        candidates = [
            _Candidate(challenger, contest.challenger, is_champion=challenger == champion)
        ]
        if champion is not None and contest.champion is not None:
            candidates.append(_Candidate(champion, contest.champion, is_champion=True))
        else:
            popularity = popularity_recipe(challenger)
            candidates.append(_Candidate(popularity, contest.popular, is_popularity=True))
        return candidates

    def _judge(
        self, candidate: _Candidate, *, contest: Contest, test_users: int, guards: Guards
    ) -> GateDecision:
        return decide_promotion(
            test_users=test_users,
            gain_over_popular=contest.gain_over_popular(candidate.evaluation),
            champion=contest.comparison(candidate.evaluation, is_same_recipe=candidate.is_champion),
            guards=guards,
            is_popularity=candidate.is_popularity,
        )

    def _refit(self, recipe: Recipe) -> tuple[ModelTables, TasteState | None, Guards]:
        bench = self._bench(self.dataset.interactions, stage="fitting", start=0.65, end=0.95)
        tables = model_tables(self.dataset, bench.part, recipe, bench.blend(recipe))
        self.report_progress("checking", 0.95)
        found = guards_of(tables, is_active=bench.part.is_active, seed=self.context.seed)
        taste = bench.states[recipe.lightfm] if recipe.lightfm and recipe.update else None
        return tables, taste, found


@dataclass(frozen=True)
class _Choice:
    recipe: Recipe
    curves: Sequence[LearningCurve] = ()


@dataclass(frozen=True)
class _Candidate:
    recipe: Recipe
    evaluation: Evaluation
    is_champion: bool = False
    is_popularity: bool = False
