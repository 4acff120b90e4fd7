"""Whatever is asked for a shopper: the answer is the one that a slow and simple ranking gives."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from api.inference.catalogue import ItemRow
from api.inference.recommend import recommend
from api.inference.rendering import item_ids
from api.inference.requests import ForUserRequest
from api.inference.shelf import Shelf
from api.inference.shopper import Shopper
from engine.core.artifact import Artifact
from engine.core.parts import NeighbourPart, StaticPart, VectorPart
from tests.api.inference.random_stores import (
    ITEMS,
    N_ITEMS,
    SEEDS,
    id_lists,
    random_items,
    random_shelf,
    rules,
)

# Of ada, as the model of the fixture has it.
VIEWED, BOUGHT = (2, 5, 3), 3
# Closer scores may come in any order: the answer's are of half the precision.
NEAR = 1e-4


@given(asked=rules, session=id_lists, seed=SEEDS, user_id=st.sampled_from(["ada", None]))
@settings(max_examples=150)
def test_an_answer_is_the_simple_rankings(
    artifact: Artifact, asked: dict[str, Any], session: list[str], seed: int, user_id: str | None
) -> None:
    asked.pop("diversity", None)
    request = ForUserRequest(**asked, session=session)
    shelf = random_shelf(artifact, seed)
    shelf.new_items = None
    traces = shelf.identities.traces(user_id=user_id, anonymous_id=None)
    outcome = recommend(request, shelf=shelf, shopper=Shopper(traces))
    assume(outcome.strategy == "personal")
    assert item_ids(outcome.picked, shelf) == simple_ranking(
        request, shelf, random_items(seed), is_ada=user_id is not None
    )


def simple_ranking(
    request: ForUserRequest, shelf: Shelf, items: list[ItemRow], *, is_ada: bool
) -> list[str]:
    """Return the answer's ids by loops over all items, in twice the precision."""
    of = {item.item_id: item for item in items}
    seeds = [rows[0] for each in request.session if (rows := named(each, of))]
    weights: Counter[int] = Counter(seeds)
    weights.update(VIEWED if is_ada else ())
    purchased = [BOUGHT] if is_ada and request.exclude_purchased is not False else []
    hidden = {row for each in request.exclude for row in named(each, of)}
    groups = {of[ITEMS[row]].group_id for row in (*seeds, *purchased) if ITEMS[row] in of}
    hidden |= {*seeds, *purchased}
    allowed = [
        row
        for row, item_id in enumerate(ITEMS)
        if row not in hidden and may_be_shown(of.get(item_id), request, groups - {None}, shelf)
    ]
    factors = boosts(request, of)
    scores = boosted(blended(shelf, weights), allowed, factors if request.boost else None)
    gaps = np.diff(np.sort(scores[allowed]))
    assume(not len(gaps) or gaps.min() > NEAR)
    assert shelf.model is not None
    artifact = shelf.model.artifact
    seen = {row: at for row, _, at in artifact.history("u:ada")} if is_ada else {}
    # Of a group's variants those come before others that are promoted, seen last, in demand.
    standing: dict[int, tuple[float, float, float]] = {
        row: (float(factors[row]), seen.get(row, 0), float(artifact.popularity[row]))
        for row in allowed
    }
    return chosen(sorted(allowed, key=lambda row: -scores[row]), request, of, standing)


def named(reference: str, of: dict[str, ItemRow]) -> list[int]:
    """Return the model's rows that an id or a group's id names."""
    ids = [reference] if reference in (*of, *ITEMS) else []
    ids = ids or [item.item_id for item in of.values() if item.group_id == reference]
    return [ITEMS.index(each) for each in ids if each in ITEMS]


def may_be_shown(
    item: ItemRow | None, request: ForUserRequest, groups: set[str | None], shelf: Shelf
) -> bool:
    """Say whether the store offers an item and the call wants it."""
    if item is None:
        return not shelf.is_current and request.filter is None
    is_offered = item.recommendable and item.product.in_stock and item.available_from is None
    is_wanted = request.filter is None or meets(request.filter, item)
    return is_offered and is_wanted and item.group_id not in groups


def meets(condition: dict[str, Any], item: ItemRow) -> bool:
    """Say whether an item meets a filter."""
    ((operator, operand),) = condition.items()
    if operator == "not":
        return not meets(operand, item)
    if operator == "and":
        return all(meets(each, item) for each in operand)
    if operator == "or":
        return any(meets(each, item) for each in operand)
    if operator == "in":
        return any(path == "Home" or path.startswith("Home > ") for path in item.categories)
    if operator == "<":
        return float(item.product.price or "inf") < 7
    return item.product.brand == "Ek" if operator == "==" else item.product.brand is not None


def blended(shelf: Shelf, history: Counter[int]) -> NDArray[np.float64]:
    """Return every item's score: the weighted sum of its parts' z-scores."""
    assert shelf.model is not None
    blend = shelf.model.artifact.blend
    total = np.zeros(N_ITEMS)
    weights = {row: np.sqrt(np.log1p(count)) for row, count in history.items()}
    for part in blend.parts:
        raw = np.zeros(N_ITEMS)
        if isinstance(part, StaticPart):
            total += blend.weights[part.name] * np.asarray(part.scores, dtype=np.float64)
            continue
        for row, weight in weights.items():
            if isinstance(part, NeighbourPart):
                for target, strength in zip(*part.neighbours(row), strict=True):
                    raw[target] += weight * float(strength)
            elif isinstance(part, VectorPart):
                raw += weight * (part.vectors.astype(np.float64) @ part.vectors[row])
        if raw.std() > 1e-6 * np.abs(raw).max():
            total += blend.weights[part.name] * (raw - raw.mean()) / raw.std()
    return total


def boosts(request: ForUserRequest, of: dict[str, ItemRow]) -> NDArray[np.float32]:
    """Return the product of each item's boosts."""
    factors = np.ones(N_ITEMS, np.float32)
    for boost in request.boost:
        for row, item_id in enumerate(ITEMS):
            if item_id in of and meets(boost.filter, of[item_id]):
                factors[row] *= np.float32(boost.factor)
    return factors


def boosted(
    scores: NDArray[np.float64], allowed: list[int], factors: NDArray[np.float32] | None
) -> NDArray[np.float64]:
    """Return the scores times the boosts, counted from a deviation below the lowest."""
    if factors is None or not allowed:
        return scores
    floor = scores[allowed].min() - (scores[allowed].std() or 1)
    return np.asarray(floor + (scores - floor) * factors)


def chosen(
    rows: list[int],
    request: ForUserRequest,
    of: dict[str, ItemRow],
    standing: dict[int, tuple[float, float, float]],
) -> list[str]:
    """Return the ids of what is shown for the rows that find room, in their order."""
    taken: Counter[tuple[str, str]] = Counter()
    shown = []

    def stand_in(row: int) -> int:
        group = of[ITEMS[row]].group_id if ITEMS[row] in of else None
        if group is None or request.collapse == "none":
            return row
        variants = [
            each for each in rows if ITEMS[each] in of and of[ITEMS[each]].group_id == group
        ]
        return max([row, *variants], key=lambda each: standing[each])

    for item_id in (ITEMS[stand_in(row)] for row in rows):
        limits: dict[tuple[str, str], int] = {}
        if item := of.get(item_id):
            if request.collapse == "group" and item.group_id:
                limits["group", item.group_id] = 1
            if request.max_per_brand and item.product.brand:
                limits["brand", item.product.brand] = request.max_per_brand
            for path in item.categories if request.max_per_category else ():
                limits["category", path] = request.max_per_category or 0
        if all(taken[what] < limit for what, limit in limits.items()):
            taken.update(limits.keys())
            shown.append(item_id)
    return shown[: request.limit]
