"""Recency-windowed popularity: what the store's shoppers turned to lately, for everyone alike."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.core.parts import StaticPart
from engine.core.recency import DAY_SECONDS
from engine.core.recipe import PopularitySettings
from engine.core.recommenders.protocol import FitContext
from engine.core.training_part import Pairs, TrainingPart, aggregate_pairs

# None is all of history. Validation chooses; a window without support widens to the next.
WINDOWS_DAYS: tuple[int | None, ...] = (1, 7, 30, 90, None)
_LEAST_LINES = 100


@dataclass(frozen=True)
class Popularity:
    """Counts users in the newest window.

    Notes
    -----
    All-time popularity is a straw man: seven days have 2.8 times its NDCG on Online Retail.
    """

    settings: PopularitySettings

    def fit(self, part: TrainingPart, context: FitContext) -> StaticPart:
        """Return the z-scores of the window's counts."""
        del context
        counts = windowed_popularity(part, self.settings.window_days).astype(np.float64)
        spread = counts.std()
        scores = (counts - counts.mean()) / spread if spread > 0 else np.zeros_like(counts)
        return StaticPart(name="popular", scores=scores.astype(np.float32))


def windowed_popularity(part: TrainingPart, window_days: int | None) -> NDArray[np.float32]:
    """Count each item's users over a window that ends at the newest moment.

    A user counts ``log1p`` of the event weights given to the item in the window: buying more
    than looking, and nobody much more than once.

    Parameters
    ----------
    part : TrainingPart
    window_days : int or None
        Widened to the next of ``WINDOWS_DAYS`` until it holds 100 event lines, at last to all.

    Returns
    -------
    float32[n_items]
        Zero exactly for items without a liking user; those outside the window rank among
        themselves by all of history, below every item inside it.
    """
    all_time = _likes_per_item(part.pairs, part.n_items)
    in_window = part.interactions.take(_in_supported_window(part, window_days))
    pairs = aggregate_pairs(in_window, n_items=part.n_items)
    recent = _likes_per_item(pairs.take(pairs.weight > 0), part.n_items)
    # A single view counts log 2 = 0.69, so a share of 1/2 orders what the window doesn't.
    tie_break = 0.5 * all_time / max(1.0, float(all_time.max(initial=0.0)))
    return (recent + tie_break).astype(np.float32)


def _in_supported_window(part: TrainingPart, window_days: int | None) -> NDArray[np.bool_]:
    age_seconds = part.newest_seconds - part.interactions.seconds
    for days in WINDOWS_DAYS[WINDOWS_DAYS.index(window_days) :]:
        if days is None:
            break
        inside = age_seconds < days * DAY_SECONDS
        if np.count_nonzero(inside) >= _LEAST_LINES:
            return inside
    return np.ones(len(part.interactions), dtype=np.bool_)


def _likes_per_item(pairs: Pairs, n_items: int) -> NDArray[np.float64]:
    likes = np.bincount(pairs.item_index, np.log1p(pairs.weight), minlength=n_items)
    return likes.astype(np.float64)
