"""The model that would be served: a recipe fit on everything, as tables, with its sanity checks."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from engine.core.blend import Blend
from engine.core.co_purchases import co_purchases
from engine.core.dataset import PROFILE_PREFIXES, Dataset
from engine.core.evaluator import NDCG_AT, batches
from engine.core.gate import Guards
from engine.core.histories import history_batch, user_histories, user_rows
from engine.core.parts import NeighbourPart, StaticPart, VectorPart
from engine.core.recipe import Recipe
from engine.core.recommenders.popularity import windowed_popularity
from engine.core.tables import ModelTables
from engine.core.top_rows import top_rows
from engine.core.training_part import Pairs, TrainingPart

# Enough to see whether everybody is shown the same.
_SAMPLED_USERS = 500


def model_tables(dataset: Dataset, part: TrainingPart, recipe: Recipe, blend: Blend) -> ModelTables:
    """Gather what ranking reads; users without a profile or without items are left out."""
    pairs = part.all_pairs
    is_kept = np.zeros(part.n_users, dtype=np.bool_)
    is_kept[pairs.user_index[(pairs.weight > 0) | pairs.is_purchase]] = True
    is_kept &= [key.startswith(PROFILE_PREFIXES) for key in dataset.user_keys]
    kept = np.flatnonzero(is_kept)
    own = _with_users(pairs.take(is_kept[pairs.user_index]), np.cumsum(is_kept) - 1)
    return ModelTables(
        item_ids=[item.item_id for item in dataset.items],
        user_keys=[dataset.user_keys[user] for user in kept.tolist()],
        blend=blend,
        popularity=windowed_popularity(part, recipe.popularity.window_days),
        bought_together=co_purchases(dataset.baskets, dataset.items),
        history_half_life_days=recipe.history_half_life_days,
        newest_seconds=part.newest_seconds,
        histories=user_histories(own, n_users=len(kept)),
        purchased=user_rows(own.take(own.is_purchase), n_users=len(kept)),
        feature_space=part.features.space,
    )


def guards_of(tables: ModelTables, *, is_active: NDArray[np.bool_], seed: int) -> Guards:
    """Check the tables as the gate asks: finite numbers, variety of lists, size.

    Parameters
    ----------
    tables : ModelTables
    is_active : bool[n_items]
        Items with events, out of which the sampled users' lists are drawn.
    seed : int
        Of the sample of 500 users.
    """
    arrays = list(_arrays(tables))
    coverage, seconds_per_user = _look_at_lists(tables, is_active=is_active, seed=seed)
    return Guards(
        is_finite=all(np.isfinite(array).all() for array in arrays),
        coverage=coverage,
        n_bytes=sum(array.nbytes for array in arrays),
        seconds_per_user=seconds_per_user,
    )


def _look_at_lists(
    tables: ModelTables, *, is_active: NDArray[np.bool_], seed: int
) -> tuple[float, float]:
    """Return the variety of sampled users' lists, and the seconds that each took to score."""
    with_history = np.flatnonzero(np.diff(tables.histories.indptr))
    users = np.random.default_rng(seed).permutation(with_history)[:_SAMPLED_USERS]
    batch = history_batch(
        tables.histories,
        users,
        newest_seconds=tables.newest_seconds,
        half_life_days=tables.history_half_life_days,
    )
    shown: set[int] = set()
    slots = 0
    seconds = 0.0
    for start, stop in batches(len(users), len(is_active)):
        started = time.process_time()
        scores = tables.blend.scores(batch.between(start, stop))
        seconds += time.process_time() - started
        for of_user, user in zip(scores, users[start:stop], strict=True):
            allowed = is_active.copy()
            allowed[tables.purchased.of(int(user))] = False
            listed = top_rows(of_user, allowed=allowed, limit=NDCG_AT)
            shown.update(listed.tolist())
            slots += len(listed)
    attainable = min(slots, int(np.count_nonzero(is_active)))
    return len(shown) / attainable if attainable else 1.0, seconds / max(1, len(users))


def _arrays(tables: ModelTables) -> Iterator[NDArray[np.generic]]:
    yield tables.popularity
    yield from vars(tables.bought_together).values()
    yield from vars(tables.histories).values()
    yield from vars(tables.purchased).values()
    for part in tables.blend.parts:
        match part:
            case StaticPart():
                yield part.scores
            case VectorPart():
                yield from (part.vectors, part.mean, part.covariance, part.feature_vectors)
            case NeighbourPart():
                yield from (part.indptr, part.indices, part.data)


def _with_users(pairs: Pairs, user_rows_of: NDArray[np.int64]) -> Pairs:
    return Pairs(
        user_index=user_rows_of[pairs.user_index].astype(np.int32),
        item_index=pairs.item_index,
        weight=pairs.weight,
        seconds=pairs.seconds,
        is_purchase=pairs.is_purchase,
    )
