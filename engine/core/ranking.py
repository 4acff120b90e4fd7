"""The one scoring path: evaluation and serving score through these functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.core.blend import total_scores
from engine.core.histories import history_weights
from engine.core.parts import HistoryBatch, Part, StaticPart
from engine.core.recipe import RecommendationType
from engine.core.tables import Rankable

# The part that contributed most, in the words of the contract.
SOURCES = {
    "popular": "popular",
    "item_knn": "item_item",
    "rp3": "item_item",
    "ease": "item_item",
    "gfcf": "item_item",
    "co_visits": "item_item",
    "content": "content",
    "taste": "taste",
    "factors": "taste",
    "category_popular": "content",
    "own": "history",
    "bought_together": "bought_together",
    "trending": "trending",
}
# By part, else by source.
_REASON_CODES = {
    "category_popular": "popular_in_category",
    "own": "chosen_before",
    "popular": "popular_now",
    "item_item": "because_you_interacted",
    "content": "shares_features",
    "taste": "taste_match",
    "bought_together": "bought_together",
    "trending": "trending",
}
# Variants of a product score alike; the one that sells best comes first. Far less than a partner.
_VARIANT_LEAD = 1e-4


@dataclass(frozen=True)
class Reason:
    """Why an item was chosen.

    ``code`` is one of ``because_you_interacted``, ``shares_features``, ``taste_match``,
    ``popular_in_category``, ``bought_together`` (all with the item that spoke most for it),
    ``similar_item`` (with the given one), ``popular_now``, ``trending``, ``chosen_before``.
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


@dataclass(frozen=True)
class PartScore:
    """What one part of the score says for one item.

    Attributes
    ----------
    name : str
        One of `engine.core.recipe.PARTS`.
    score : float
        Of any sign; an item's parts add up to its score.
    seeds : tuple of (item row, share)
        The history's items that spoke for the item, strongest first; the shares of all that did
        add up to 1. Empty where the part looks at no history.
    """

    name: str
    score: float
    seeds: tuple[tuple[int, float], ...] = ()


@dataclass(frozen=True)
class Scored:
    """The whole catalogue scored for one call, and what spoke for each item.

    Attributes
    ----------
    values : float32[n_items]
        The sum of ``contributions``, or popularity where nothing else spoke.
    candidates : bool[n_items] or None
        What may be answered at all; None for everything.
    history : HistoryBatch
        The one history that was scored.
    parts : tuple of Part
    contributions : tuple of float32[n_items]
        By part.
    reason : Reason or None
        Of every item; None where it follows from the part that contributed most.
    """

    values: NDArray[np.float32]
    candidates: NDArray[np.bool_] | None
    history: HistoryBatch
    parts: tuple[Part, ...] = ()
    contributions: tuple[NDArray[np.float32], ...] = ()
    reason: Reason | None = None

    def best(self, *, allowed: NDArray[np.bool_], limit: int) -> Ranked:
        """Return the ``limit`` highest allowed candidates, ties by row; fewer when fewer are."""
        if self.candidates is not None:
            allowed = allowed & self.candidates
        return self.explained(top_rows(self.values, allowed=allowed, limit=limit))

    def explained(self, rows: NDArray[np.int32]) -> Ranked:
        """Return the rows as they come, each with its score, source and reason."""
        if not self.parts:
            sources: tuple[str, ...] = ("popular",) * len(rows)
            reasons = (Reason(code="popular_now", seed_row=None),) * len(rows)
            return Ranked(rows, self.values[rows], sources, reasons)
        stacked = np.stack([part_scores[rows] for part_scores in self.contributions])
        leading = [self.parts[place] for place in stacked.argmax(axis=0)]
        sources = tuple(SOURCES[part.name] for part in leading)
        if self.reason is not None:
            reasons = (self.reason,) * len(rows)
        else:
            reasons = _reasons(leading, *self.history.of(0), rows)
        return Ranked(rows, self.values[rows], sources, reasons)

    def parts_of(self, row: int) -> tuple[PartScore, ...]:
        """Return what each part adds to an item's score, the most first."""
        if not self.parts:
            return (PartScore("popular", float(self.values[row])),)
        scores = [
            PartScore(part.name, float(contribution[row]), self._seeds(part, row))
            for part, contribution in zip(self.parts, self.contributions, strict=True)
        ]
        return tuple(sorted(scores, key=lambda each: -each.score))

    def _seeds(self, part: Part, row: int) -> tuple[tuple[int, float], ...]:
        rows, weights = self.history.of(0)
        by_item = part.seed_contributions(rows, weights, np.array([row], dtype=np.int32))
        if by_item is None:
            return ()
        speaking = np.maximum(by_item[:, 0], 0)
        total = float(speaking.sum())
        order = np.argsort(-speaking, kind="stable")
        return tuple(
            (int(rows[place]), float(speaking[place]) / total)
            for place in order.tolist()
            if speaking[place] > 0
        )


def score_for_user(artifact: Rankable, *, history: Sequence[tuple[int, float, float]]) -> Scored:
    """Score for a shopper by the blend; without a history by popularity.

    Parameters
    ----------
    artifact : Artifact or ModelTables
    history : sequence of (item row, event weight, age in days)
        Any order; an item may come more than once; weights ≤ 0 are ignored. Ages only count
        against each other.
    """
    liked = [entry for entry in history if entry[1] > 0]
    if not liked:
        return score_popular(artifact)
    weights = history_weights(
        np.array([weight for _, weight, _ in liked], dtype=np.float32),
        np.array([age_days for _, _, age_days in liked]),
        artifact.history_half_life_days,
    )
    batch = _one_history(rows=[row for row, _, _ in liked], weights=weights)
    weighted = artifact.blend.z_scores(batch)
    return Scored(
        values=total_scores(weighted, 1)[0],
        candidates=None,
        history=batch,
        parts=artifact.blend.speaking,
        contributions=tuple(part_scores[0] for part_scores in weighted),
    )


def score_similar(artifact: Rankable, *, item_row: int) -> Scored:
    """Score the items most like one item, with the weights learnt for item pages.

    ``similar_item`` with the item as seed is every reason.
    """
    reason = Reason(code="similar_item", seed_row=item_row)
    return _score_beside(artifact, rows=[item_row], type_name="similar", reason=reason)


def score_cart(artifact: Rankable, *, item_rows: Sequence[int]) -> Scored:
    """Score what goes with all items of a cart, with the weights learnt for carts.

    Reasons name the item of the cart that spoke most.
    """
    return _score_beside(artifact, rows=item_rows, type_name="cart", reason=None)


def _score_beside(
    artifact: Rankable,
    *,
    rows: Sequence[int],
    type_name: RecommendationType,
    reason: Reason | None,
) -> Scored:
    """Score by the parts that look at items; all speak alike where no weights were learnt.

    Only items for which some part has positive evidence are candidates, never those given.
    """
    batch = _one_history(rows=rows, weights=np.ones(len(rows), dtype=np.float32))
    weights = artifact.blend.type_weights.get(type_name, {})
    parts = tuple(
        part
        for part in artifact.blend.parts
        if SOURCES[part.name] not in {"popular", "history"}
        and (not weights or weights.get(part.name, 0.0) > 0)
    )
    n_items = len(artifact.popularity)
    stacked = np.zeros((len(parts), n_items), dtype=np.float32)
    for place, part in enumerate(parts):
        stacked[place] = weights.get(part.name, 1.0) * part.z_scores(batch)[0]
    candidates = np.asarray((stacked > 0).any(axis=0))
    candidates[list(rows)] = False
    return Scored(
        values=stacked.sum(axis=0),
        candidates=candidates,
        history=batch,
        parts=parts,
        contributions=tuple(stacked),
        reason=reason,
    )


def score_bought_together(artifact: Rankable, *, item_rows: Sequence[int]) -> Scored:
    """Score what is bought in one basket with the items; what never was is no candidate.

    Reasons name the item that spoke most. Variants of one product speak once.
    """
    part = artifact.bought_together
    of_product = {int(part.product_of[row]): row for row in reversed(item_rows)}
    rows = list(of_product.values())
    batch = _one_history(rows=rows, weights=np.ones(len(rows), dtype=np.float32))
    values = _with_variants_in_order(part.z_scores(batch)[0], artifact)
    candidates = values > 0
    partners = np.flatnonzero(candidates)
    candidates[partners[np.isin(part.product_of[partners], list(of_product))]] = False
    return Scored(
        values=values,
        candidates=candidates,
        history=batch,
        parts=(part,),
        contributions=(values,),
    )


def score_trending(artifact: Rankable, *, rise: NDArray[np.float32]) -> Scored:
    """Score by how much more an item is asked for than it used to be; others are no candidates.

    Parameters
    ----------
    artifact : Artifact or ModelTables
    rise : float32[n_items]
        From `engine.core.trends`, by item row; zero for what does not rise.
    """
    values = _with_variants_in_order(rise, artifact)
    return Scored(
        values=values,
        candidates=values > 0,
        history=_one_history(rows=[], weights=np.zeros(0, dtype=np.float32)),
        parts=(StaticPart(name="trending", scores=values),),
        contributions=(values,),
    )


def _with_variants_in_order(scores: NDArray[np.float32], artifact: Rankable) -> NDArray[np.float32]:
    rows = np.flatnonzero(scores)
    popularity = artifact.popularity[rows]
    ordered = scores.copy()
    ordered[rows] *= 1 + np.float32(_VARIANT_LEAD) * popularity / (1 + popularity)
    return ordered


def score_popular(artifact: Rankable) -> Scored:
    """Score by popularity in the recipe's window; items nobody turned to are no candidates."""
    popularity = np.asarray(artifact.popularity)
    nobody = _one_history(rows=[], weights=np.zeros(0, dtype=np.float32))
    return Scored(values=popularity, candidates=popularity > 0, history=nobody)


def _one_history(*, rows: Sequence[int], weights: NDArray[np.float32]) -> HistoryBatch:
    return HistoryBatch(
        indptr=np.array([0, len(rows)]), rows=np.array(rows, dtype=np.int32), weights=weights
    )


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
    if limit < len(scores):
        reachable = np.where(allowed, scores, -np.inf)
        kth = len(scores) - limit
        allowed = allowed & (reachable >= np.partition(reachable, kth)[kth])
    candidates = np.flatnonzero(allowed)
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
        code = _REASON_CODES.get(part.name) or _REASON_CODES[SOURCES[part.name]]
        # What was chosen before speaks for itself.
        seed_row = None
        if of_part is not None and code != "chosen_before":
            seed_row = int(of_part[place])
        reasons.append(Reason(code, seed_row))
    return tuple(reasons)
