"""The one scoring path: evaluation and serving rank through these functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.core.blend import total_scores
from engine.core.histories import history_weights
from engine.core.parts import HistoryBatch, Part
from engine.core.tables import Rankable

# The part that contributed most, in the words of the contract.
SOURCES = {
    "popular": "popular",
    "item_knn": "item_item",
    "ease": "item_item",
    "content": "content",
    "taste": "taste",
}
_REASON_CODES = {
    "popular": "popular_now",
    "item_item": "because_you_interacted",
    "content": "shares_features",
    "taste": "taste_match",
}


@dataclass(frozen=True)
class Reason:
    """Why an item was chosen.

    ``code`` is one of ``because_you_interacted``, ``shares_features``, ``taste_match`` (all three
    with the history's item that spoke most for it), ``popular_now`` (no seed), ``similar_item``.
    """

    code: str
    seed_row: int | None


@dataclass(frozen=True)
class Ranked:
    """Items best first: parallel rows int32[k], scores float32[k], sources and reasons.

    ``sources``: the part that contributed most: ``popular``, ``item_item``, ``content``, ``taste``.
    """

    rows: NDArray[np.int32]
    scores: NDArray[np.float32]
    sources: tuple[str, ...]
    reasons: tuple[Reason, ...]


def rank_for_user(
    artifact: Rankable,
    *,
    history: Sequence[tuple[int, float, float]],
    allowed: NDArray[np.bool_],
    limit: int,
) -> Ranked:
    """Rank for a shopper by the blend; without a history by popularity.

    Parameters
    ----------
    artifact : Artifact or ModelTables
    history : sequence of (item row, event weight, age in days)
        Any order; an item may come more than once; weights ≤ 0 are ignored. Ages only count
        against each other.
    allowed : bool[n_items]
        What may be answered: the caller takes out unavailable, purchased and excluded items.
    limit : int
        At most this many; fewer when fewer are allowed.

    Returns
    -------
    Ranked
        Ties by item row.
    """
    liked = [entry for entry in history if entry[1] > 0]
    if not liked:
        return rank_popular(artifact, allowed=allowed, limit=limit)
    rows = np.array([row for row, _, _ in liked], dtype=np.int32)
    weights = history_weights(
        np.array([weight for _, weight, _ in liked], dtype=np.float32),
        np.array([age_days for _, _, age_days in liked]),
        artifact.history_half_life_days,
    )
    batch = HistoryBatch(indptr=np.array([0, len(rows)]), rows=rows, weights=weights)
    weighted = artifact.blend.z_scores(batch)
    scores = total_scores(weighted, 1)[0]
    best = top_rows(scores, allowed=allowed, limit=limit)
    contributions = np.stack([part_scores[0, best] for part_scores in weighted])
    parts = [artifact.blend.speaking[place] for place in contributions.argmax(axis=0)]
    return Ranked(
        rows=best,
        scores=scores[best],
        sources=tuple(SOURCES[part.name] for part in parts),
        reasons=_reasons(parts, rows, weights, best),
    )


def rank_similar(
    artifact: Rankable, *, item_row: int, allowed: NDArray[np.bool_], limit: int
) -> Ranked:
    """Rank the items most like one item, by every part that looks at items, all alike.

    Only items for which some part has positive evidence are answered, never the item itself;
    ``similar_item`` with the item as seed is every reason.
    """
    batch = HistoryBatch(
        indptr=np.array([0, 1]),
        rows=np.array([item_row], dtype=np.int32),
        weights=np.ones(1, dtype=np.float32),
    )
    parts = [part for part in artifact.blend.parts if SOURCES[part.name] != "popular"]
    nothing = Ranked(np.zeros(0, np.int32), np.zeros(0, np.float32), (), ())
    if not parts:
        return nothing
    weighted = [part.z_scores(batch)[0] for part in parts]
    stacked = np.stack(weighted)
    scores = stacked.sum(axis=0)
    candidates = allowed & (stacked.max(axis=0) > 0)
    candidates[item_row] = False
    best = top_rows(scores, allowed=candidates, limit=limit)
    sources = tuple(SOURCES[parts[place].name] for place in stacked[:, best].argmax(axis=0))
    reason = Reason(code="similar_item", seed_row=item_row)
    return Ranked(best, scores[best], sources, (reason,) * len(best))


def rank_popular(artifact: Rankable, *, allowed: NDArray[np.bool_], limit: int) -> Ranked:
    """Rank by popularity in the recipe's window; items nobody turned to are left out."""
    popularity = np.asarray(artifact.popularity)
    best = top_rows(popularity, allowed=allowed & (popularity > 0), limit=limit)
    reason = Reason(code="popular_now", seed_row=None)
    return Ranked(best, popularity[best], ("popular",) * len(best), (reason,) * len(best))


def top_rows(
    scores: NDArray[np.float32], *, allowed: NDArray[np.bool_], limit: int
) -> NDArray[np.int32]:
    """Return the rows of the ``limit`` highest allowed scores, best first, ties by row.

    Examples
    --------
    >>> scores = np.array([1.0, 5.0, 5.0, 9.0], np.float32)
    >>> top_rows(scores, allowed=np.array([True, True, True, False]), limit=2)
    array([1, 2], dtype=int32)
    """
    candidates = np.flatnonzero(allowed)
    if limit < len(candidates):
        kth = len(candidates) - limit
        threshold = np.partition(scores[candidates], kth)[kth]
        candidates = candidates[scores[candidates] >= threshold]
    order = np.lexsort((candidates, -scores[candidates]))[:limit]
    return candidates[order].astype(np.int32)


def _reasons(
    leading: Sequence[Part],
    rows: NDArray[np.int32],
    weights: NDArray[np.float32],
    item_rows: NDArray[np.int32],
) -> tuple[Reason, ...]:
    """Say for each item by its leading part why, and which history item spoke most for it."""
    seeds: dict[str, NDArray[np.int32] | None] = {}
    for part in leading:
        if part.name not in seeds:
            contributions = part.seed_contributions(rows, weights, item_rows)
            strongest = None if contributions is None else rows[contributions.argmax(axis=0)]
            seeds[part.name] = strongest
    reasons = []
    for place, part in enumerate(leading):
        of_part = seeds[part.name]
        seed_row = None if of_part is None else int(of_part[place])
        reasons.append(Reason(code=_REASON_CODES[SOURCES[part.name]], seed_row=seed_row))
    return tuple(reasons)
