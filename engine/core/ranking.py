"""The one scoring path: evaluation and serving score through these functions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engine.core.histories import history_weights
from engine.core.parts import StaticPart
from engine.core.recipe import RecommendationType
from engine.core.scan import scan
from engine.core.scored import SOURCES, Heard, Scored, ScoredByArrays, ScoredByScan
from engine.core.tables import Rankable

# Variants of a product score alike; the one that sells best comes first. Far less than a partner.
_VARIANT_LEAD = 1e-4


def score_for_user(
    artifact: Rankable,
    *,
    rows: NDArray[np.int32],
    weights: NDArray[np.float32],
    age_days: NDArray[np.float64],
) -> Scored:
    """Score for a shopper by the blend; without a history by popularity.

    Parameters
    ----------
    artifact : Artifact or ModelTables
    rows : int32[h]
        The history's items in any order; an item may come more than once.
    weights : float32[h]
        Of events; entries with weights ≤ 0 are ignored.
    age_days : float64[h]
        They only count against each other.
    """
    # Of a few numbers, quicker than numpy.
    if min(weights.tolist(), default=1) <= 0:
        liked = weights > 0
        rows, weights, age_days = rows[liked], weights[liked], age_days[liked]
    if not len(rows):
        return score_popular(artifact)
    heard = Heard(rows, history_weights(weights, age_days, artifact.history_half_life_days))
    return ScoredByScan(
        scan(artifact.blend, heard.rows, heard.weights), heard, artifact.blend.speaking
    )


def score_similar(artifact: Rankable, *, item_row: int) -> Scored:
    """Score the items most like one item, with the weights learnt for item pages.

    ``similar_item`` with the item as seed is every reason.
    """
    return _score_beside(artifact, rows=[item_row], type_name="similar", given_row=item_row)


def score_cart(artifact: Rankable, *, item_rows: Sequence[int]) -> Scored:
    """Score what goes with all items of a cart, with the weights learnt for carts.

    Reasons name the item of the cart that spoke most.
    """
    return _score_beside(artifact, rows=item_rows, type_name="cart", given_row=None)


def _score_beside(
    artifact: Rankable,
    *,
    rows: Sequence[int],
    type_name: RecommendationType,
    given_row: int | None,
) -> Scored:
    """Score by the parts that look at items; all speak alike where no weights were learnt.

    Only items for which some part has positive evidence are candidates, never those given.
    """
    heard = _given(rows)
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
        stacked[place] = weights.get(part.name, 1.0) * part.z_scores(heard.as_batch())[0]
    candidates = np.asarray((stacked > 0).any(axis=0))
    candidates[list(rows)] = False
    return ScoredByArrays(
        values=stacked.sum(axis=0),
        candidates=candidates,
        heard=heard,
        parts=parts,
        contributions=tuple(stacked),
        given_row=given_row,
    )


def score_bought_together(artifact: Rankable, *, item_rows: Sequence[int]) -> Scored:
    """Score what is bought in one basket with the items; what never was is no candidate.

    Reasons name the item that spoke most. Variants of one product speak once.
    """
    part = artifact.bought_together
    of_product = {int(part.product_of[row]): row for row in reversed(item_rows)}
    heard = _given(list(of_product.values()))
    values = _with_variants_in_order(part.z_scores(heard.as_batch())[0], artifact)
    candidates = values > 0
    partners = np.flatnonzero(candidates)
    candidates[partners[np.isin(part.product_of[partners], list(of_product))]] = False
    return ScoredByArrays(
        values=values,
        candidates=candidates,
        heard=heard,
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
    return _of_nobody(StaticPart(name="trending", scores=values))


def _with_variants_in_order(scores: NDArray[np.float32], artifact: Rankable) -> NDArray[np.float32]:
    rows = np.flatnonzero(scores)
    popularity = artifact.popularity[rows]
    ordered = scores.copy()
    ordered[rows] *= 1 + np.float32(_VARIANT_LEAD) * popularity / (1 + popularity)
    return ordered


def score_popular(artifact: Rankable) -> Scored:
    """Score by popularity in the recipe's window; items nobody turned to are no candidates."""
    return _of_nobody(StaticPart(name="popular", scores=artifact.popularity))


def _of_nobody(part: StaticPart) -> Scored:
    return ScoredByArrays(
        values=part.scores,
        candidates=part.scores > 0,
        heard=_given([]),
        parts=(part,),
        contributions=(part.scores,),
    )


def _given(rows: Sequence[int]) -> Heard:
    return Heard(np.array(rows, dtype=np.int32), np.ones(len(rows), dtype=np.float32))
