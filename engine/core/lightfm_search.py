"""Chooses LightFM's settings by successive halving: many start, the best go on."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass

from engine.core.fitting import Workbench
from engine.core.learning_curve import CurvePoint, LearningCurve
from engine.core.parts import VectorPart
from engine.core.portfolio import has_ages, lightfm_portfolio
from engine.core.recipe import LightFMSettings
from engine.core.recommenders.lightfm_hybrid import LightFMRun, Taste, seconds_per_pair

# Coarse steps: a slightly slower run of the same data still trains the same recipe.
_EPOCH_STEPS = (1, 2, 5, 10, 20, 30)
_RUNGS = (5, 10, 20)
# Fewer epochs do not tell settings apart.
_LEAST_EPOCHS_TO_CHOOSE = 5
_LIGHTFM_SHARE = 0.5
# Late epochs sample more negatives, and the refit has more events than what was measured.
_EPOCH_GROWTH = 1.4
# After how many epochs a candidate is looked at: often while it learns quickly.
_LOOKED_AT = (1, 2, 3, 5, 7, 10, 15, 20, 25, 30)
# All of the halving's epochs cost as much as this many fits of its winner.
_FITS_TO_CHOOSE = 3


def epoch_seconds(bench: Workbench) -> float:
    """Return what one LightFM epoch over the bench's pairs will take, measured on a sample."""
    prior = lightfm_portfolio(epochs=1)[0]
    pair_seconds = seconds_per_pair(prior, bench.part, bench.context)
    return pair_seconds * len(bench.part.pairs) * _EPOCH_GROWTH


def affordable_epochs(*, epoch_seconds: float, seconds_budget: float, further_fits: int) -> int:
    """Return how many epochs LightFM may have, 0 when not one fits.

    Parameters
    ----------
    epoch_seconds : float
    seconds_budget : float
        Of the whole training run.
    further_fits : int
        Those that follow the choice: to prove, to serve, and the champion's.

    Examples
    --------
    >>> # 50 % of 100 s; three fits' worth to choose and two more; newest epochs cost 1.6 each.
    >>> affordable_epochs(epoch_seconds=1.0, seconds_budget=100.0, further_fits=2)
    5
    """
    per_fit = seconds_budget * _LIGHTFM_SHARE / (_FITS_TO_CHOOSE + further_fits)
    newest_epochs = max(it.newest_share * it.newest_epochs for it in lightfm_portfolio(epochs=1))
    fitting = [s for s in _EPOCH_STEPS if (s + newest_epochs) * epoch_seconds <= per_fit]
    return max(fitting, default=0)


@dataclass(frozen=True)
class LightFMChoice:
    """The best settings, what they made of the bench's part, and how all candidates learnt."""

    settings: LightFMSettings
    taste: Taste
    curves: list[LearningCurve]


def best_lightfm(
    bench: Workbench,
    quality: Callable[[VectorPart], float],
    glance: Callable[[VectorPart], float],
    *,
    epochs: int,
    champion: LightFMSettings | None,
) -> LightFMChoice | None:
    """Return the best settings and what came of them, None without epochs.

    Parameters
    ----------
    bench : Workbench
        Its ``report_epoch`` receives the epochs of all candidates.
    quality : callable
        Of a fitted part on the validation window; higher is better.
    glance : callable
        NDCG@10 of a part alone, cheaply: for the curves, nothing is chosen by it.
    epochs : int
        That the winner may have.
    champion : LightFMSettings or None
        The last winner starts, too.
    """
    if not epochs:
        return None
    field = _field(epochs, champion, knows_ages=has_ages(bench.part))
    rungs = [*(rung for rung in _RUNGS if rung < epochs), epochs]
    of = _epochs_of_all(len(field), rungs)
    done = 0
    points: list[list[CurvePoint]] = [[] for _ in field]
    racing = [
        _Candidate(LightFMRun(settings, bench.part, bench.context), glance, noted)
        for settings, noted in zip(field, points, strict=True)
    ]
    for rung in rungs:
        for candidate in racing:
            for _ in range(candidate.epochs, rung):
                candidate.advance()
                done += 1
                bench.report_epoch(done, of)
        if len(racing) > 1 and rung < epochs:
            racing = sorted(racing, key=lambda it: -quality(it.run.finished().part))[
                : (len(racing) + 1) // 2
            ]
    winner, taste = max(
        ((it, it.run.finished()) for it in racing), key=lambda it: quality(it[1].part)
    )
    winner.end_with(taste)
    return LightFMChoice(
        settings=winner.run.settings,
        taste=taste,
        curves=[LearningCurve(asdict(it), noted) for it, noted in zip(field, points, strict=True)],
    )


def _field(
    epochs: int, champion: LightFMSettings | None, *, knows_ages: bool
) -> list[LightFMSettings]:
    field = lightfm_portfolio(epochs, knows_ages=knows_ages)
    if champion is not None:
        again = LightFMSettings(**{**vars(champion), "epochs": epochs})
        field = [again, *(settings for settings in field if settings != again)]
    return field[:1] if epochs < _LEAST_EPOCHS_TO_CHOOSE else field


def _epochs_of_all(candidates: int, rungs: Iterable[int]) -> int:
    """Return how many epochs the halving takes.

    Examples
    --------
    >>> # Four candidates to 5, two of them to 10, one to 12.
    >>> _epochs_of_all(4, [5, 10, 12])
    32
    """
    epochs = 0
    reached = 0
    for rung in rungs:
        epochs += candidates * (rung - reached)
        reached = rung
        candidates = (candidates + 1) // 2
    return epochs


class _Candidate:
    """A run in the race, looked at now and then."""

    def __init__(
        self, run: LightFMRun, glance: Callable[[VectorPart], float], points: list[CurvePoint]
    ) -> None:
        self.run = run
        self.epochs = 0
        self._glance = glance
        self._points = points

    def advance(self) -> None:
        """Add an epoch."""
        self.run.advance(1)
        self.epochs += 1
        if self.epochs in _LOOKED_AT:
            self._note(self.epochs, *self.run.as_it_is(), is_newest=False)

    def end_with(self, taste: Taste) -> None:
        """Add what its epochs on the newest pairs made of it."""
        if newest := self.run.settings.newest_epochs:
            self._note(self.epochs + newest, taste.part, taste.loss, is_newest=True)

    def _note(self, epoch: int, part: VectorPart, loss: float, *, is_newest: bool) -> None:
        point = CurvePoint(epoch, is_newest, round(self._glance(part), 5), round(loss, 5))
        self._points.append(point)
