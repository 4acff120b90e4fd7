"""Vectors in int8, a quarter of what a pass over a large catalogue has to read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from engine.core.histories import history_batch
from engine.core.parts import HistoryBatch, Part, VectorPart
from engine.core.tables import ModelTables
from engine.core.top_rows import top_rows

# Of 64 dimensions fewer items in float32 stay in a core's cache, and are read as quickly; of
# 10,000 a scan costs half by codes.
LEAST_ITEMS = 8_000
LEAST_RECALL = 0.999
RECALL_AT = 20
# What is scored again for a list of 20.
_POOL = 4 * RECALL_AT
_USERS = 100
_ROUNDING = 1e-6
_STEPS = 127
_ROWS_AT_ONCE = 65_536


def coded_parts(
    tables: ModelTables, *, seed: int
) -> tuple[list[Part], dict[str, dict[str, float | bool]]]:
    """Return the parts of a model, vectors with codes where these rank well enough.

    Parameters
    ----------
    tables : ModelTables
    seed : int
        Chooses up to 100 of the users who are asked for.

    Returns
    -------
    parts : list of Part
    checks : dict
        By part ``recall@20``: of the true best 20, the share among the best 80 by codes, which
        are scored again; and ``passed``, at `LEAST_RECALL`. Without those whose codes were not
        tried: the catalogue is small, or nobody has a history.
    """
    users = np.flatnonzero(np.diff(tables.histories.indptr))
    some = np.random.default_rng(seed).permutation(users)[:_USERS]
    batch = history_batch(
        tables.histories,
        some,
        newest_seconds=tables.newest_seconds,
        half_life_days=tables.history_half_life_days,
    )
    parts, checks = list(tables.blend.parts), {}
    for place, part in enumerate(parts):
        if isinstance(part, VectorPart) and part.n_items >= LEAST_ITEMS and len(batch):
            codes = codes_of(part)
            recall = _recall(part, codes, batch)
            has_passed = recall >= LEAST_RECALL
            checks[part.name] = {f"recall@{RECALL_AT}": recall, "passed": has_passed}
            if has_passed:
                parts[place] = replace(part, codes=codes)
    return parts, checks


def codes_of(part: VectorPart) -> NDArray[np.int8]:
    """Return int8[n_items, k]: the vectors in 127 steps of each column's reach."""
    steps = _STEPS / np.where(part.reach > 0, part.reach, 1)
    codes = np.empty(part.vectors.shape, dtype=np.int8)
    for span in _spans(part.n_items):
        codes[span] = np.rint(part.vectors[span] * steps)
    return codes


def _recall(part: VectorPart, codes: NDArray[np.int8], batch: HistoryBatch) -> float:
    users = np.stack([part.user_vector(*batch.of(user)) for user in range(len(batch))])
    users = users.astype(np.float32)
    exact = np.empty((len(batch), part.n_items), dtype=np.float32)
    by_codes = np.empty_like(exact)
    for span in _spans(part.n_items):
        exact[:, span] = users @ part.vectors[span].T
        by_codes[:, span] = (users * part.reach) @ codes[span].T.astype(np.float32)
    everything = np.ones(part.n_items, dtype=np.bool_)
    found = 0
    for true, near in zip(exact, by_codes, strict=True):
        last = top_rows(true, allowed=everything, limit=RECALL_AT)[-1]
        # Whoever is as good as the last but for rounding could stand there as well.
        least = true[last] - _ROUNDING * np.abs(true).max()
        pool = top_rows(near, allowed=everything, limit=_POOL)
        found += min(RECALL_AT, int(np.count_nonzero(true[pool] >= least)))
    return found / (RECALL_AT * len(batch))


def _spans(n_items: int) -> Iterable[slice]:
    return (slice(start, start + _ROWS_AT_ONCE) for start in range(0, n_items, _ROWS_AT_ONCE))
