"""Chooses LightFM's settings by successive halving: many start, the best go on."""

from __future__ import annotations

from collections.abc import Callable

from engine.core.fitting import Workbench
from engine.core.parts import VectorPart
from engine.core.portfolio import lightfm_portfolio
from engine.core.recipe import LightFMSettings
from engine.core.recommenders.lightfm_hybrid import LightFMRun, Taste, seconds_per_pair

# Coarse steps: a slightly slower run of the same data still trains the same recipe.
_EPOCH_STEPS = (1, 2, 5, 10, 20, 30)
_RUNGS = (5, 10, 20)
# Fewer epochs do not tell settings apart.
_LEAST_EPOCHS_TO_CHOOSE = 10
_LIGHTFM_SHARE = 0.5
# Late epochs sample more negatives, and the refit has more events than what was measured.
_EPOCH_GROWTH = 1.4
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
    prior = lightfm_portfolio(epochs=1)[0]
    newest_epochs = prior.newest_share * prior.newest_epochs
    fitting = [s for s in _EPOCH_STEPS if (s + newest_epochs) * epoch_seconds <= per_fit]
    return max(fitting, default=0)


def best_lightfm(
    bench: Workbench,
    quality: Callable[[VectorPart], float],
    *,
    epochs: int,
    champion: LightFMSettings | None,
) -> tuple[LightFMSettings, Taste] | None:
    """Return the best settings and what they made of the bench's part, None without epochs.

    Parameters
    ----------
    bench : Workbench
    quality : callable
        Of a fitted part on the validation window; higher is better.
    epochs : int
        That the winner may have.
    champion : LightFMSettings or None
        The last winner starts, too.
    """
    if not epochs:
        return None
    field = lightfm_portfolio(epochs)
    if champion is not None:
        again = LightFMSettings(**{**vars(champion), "epochs": epochs})
        field = [again, *(settings for settings in field if settings != again)]
    if epochs < _LEAST_EPOCHS_TO_CHOOSE:
        field = field[:1]
    runs = [LightFMRun(settings, bench.part, bench.context) for settings in field]
    done = 0
    for rung in [*(rung for rung in _RUNGS if rung < epochs), epochs]:
        for run in runs:
            run.advance(rung - done)
        done = rung
        if len(runs) > 1 and rung < epochs:
            runs = sorted(runs, key=lambda run: -quality(run.finished().part))[
                : (len(runs) + 1) // 2
            ]
    winner = max(((run, run.finished()) for run in runs), key=lambda it: quality(it[1].part))
    return winner[0].settings, winner[1]
