"""Measures one scan of a catalogue beside reading its own representation once, in one run.

Figures are the least CPU of several rounds on one core: a store's scan at three sizes, of one
dense part and of a whole blend, with and without a filter, by the compiled kernel and by numpy.
Run: python deploy/benchmarks/bench_scan.py
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

# One thread, as in serving; read when numpy is imported.
os.environ["OPENBLAS_NUM_THREADS"] = "1"
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
from numpy.typing import NDArray

from engine.core import kernel
from engine.core.blend import Blend
from engine.core.codes import codes_of
from engine.core.parts import NeighbourPart, StaticPart, VectorPart, vector_part
from engine.core.scan import CompiledScan, NumpyScan, Scan

SIZES = (10_000, 100_000, 1_000_000)
WIDTH = 64
HISTORY = 20
NEIGHBOURS = 100
LIMIT = 20
AVAILABLE = 0.9
RARE = 0.01
USERS = 50
SECONDS = 1.5
# The calls of one way follow each other, as those of a busy store do: the cache is its own.
IN_A_ROW = 5
# Up to here the table measures scans of float32 beside reading it; beyond, of int8.
MOST_ITEMS_IN_FLOATS = 20_000


def main() -> None:
    """Print a table for each size."""
    if kernel.library is None:
        sys.exit("The kernel is not compiled; run: make setup")
    for n_items in SIZES:
        measure(n_items)


def measure(n_items: int) -> None:
    """Print what a scan of so many items costs, in several ways."""
    rng = np.random.default_rng(5)
    exact = dense_part(n_items, rng)
    coded = replace(exact, codes=codes_of(exact))
    dense = exact if n_items <= MOST_ITEMS_IN_FLOATS else coded
    one, blend = blend_of(dense), blend_of(dense, *other_parts(n_items, rng))
    allowed = rng.random(n_items) < AVAILABLE
    rare = allowed & (rng.random(n_items) < RARE)
    users = [history(n_items, rng) for _ in range(USERS)]
    representation = dense.vectors if dense.codes is None else dense.codes
    words = representation.reshape(-1).view(np.int64)

    def asked(make: type[Scan], blend: Blend, allowed: NDArray[np.bool_]) -> Callable[[], Any]:
        waiting = iter(lambda: users[int(rng.integers(USERS))], None)
        return lambda: make(blend, *next(waiting)).best(allowed=allowed, limit=LIMIT)

    found = least_seconds(
        {
            f"reading {representation.nbytes / 1e6:.1f} MB of {representation.dtype} once": (
                lambda: np.bitwise_or.reduce(words)
            ),
            "one dense part": asked(CompiledScan, one, allowed),
            "one dense part by int8 codes": asked(CompiledScan, blend_of(coded), allowed),
            "one dense part, numpy": asked(NumpyScan, one, allowed),
            "blend of a dense, a static and two sparse": asked(CompiledScan, blend, allowed),
            "one dense part, a filter of 1 %": asked(CompiledScan, one, rare),
        }
    )
    reading, unfiltered = (found[name] for name in list(found)[:2])
    print(f"{n_items:>9,} items x {WIDTH}{'CPU':>35} of reading of one part")
    for name, seconds in found.items():
        ratios = f"{seconds / reading:>11.2f}{seconds / unfiltered:>12.2f}"
        print(f"  {name:44}{seconds * 1e6:>9,.0f} µs{ratios}")
    recall = np.mean([recall_of(coded, exact, user, allowed) for user in users])
    print(f"  recall@{LIMIT} by codes against sorting every score: {recall:.4f}")


def dense_part(n_items: int, rng: np.random.Generator) -> VectorPart:
    """Return vectors as they are learnt: some columns speak louder than others."""
    vectors = rng.standard_normal((n_items, WIDTH), dtype=np.float32)
    vectors *= rng.uniform(0.3, 2.0, WIDTH).astype(np.float32)
    return vector_part(
        name="taste", vectors=vectors, feature_vectors=np.zeros((0, WIDTH), np.float32)
    )


def other_parts(n_items: int, rng: np.random.Generator) -> list[StaticPart | NeighbourPart]:
    """Return popularity and two lists of neighbours for each item."""
    return [
        StaticPart("popular", rng.standard_normal(n_items, dtype=np.float32)),
        *(
            NeighbourPart(
                name=name,
                indptr=np.arange(0, n_items * NEIGHBOURS + 1, NEIGHBOURS),
                indices=rng.integers(0, n_items, n_items * NEIGHBOURS, dtype=np.int32),
                data=rng.random(n_items * NEIGHBOURS, dtype=np.float32),
            )
            for name in ("item_knn", "ease")
        ),
    ]


def blend_of(*parts: VectorPart | StaticPart | NeighbourPart) -> Blend:
    """Return the parts with weights, laid out for the kernel."""
    blend = Blend(parts, {part.name: 1.0 / (1 + place) for place, part in enumerate(parts)})
    _ = blend.compiled
    return blend


def history(
    n_items: int, rng: np.random.Generator
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Return rows and weights of one shopper."""
    rows = rng.integers(0, n_items, HISTORY, dtype=np.int32)
    return rows, rng.random(HISTORY, dtype=np.float32) + np.float32(0.1)


def recall_of(
    dense: VectorPart,
    exact: VectorPart,
    user: tuple[NDArray[np.int32], NDArray[np.float32]],
    allowed: NDArray[np.bool_],
) -> float:
    """Return the share of a shopper's true best that the scan finds."""
    rows, _ = CompiledScan(blend_of(dense), *user).best(allowed=allowed, limit=LIMIT)
    scores = np.where(allowed, exact.vectors @ exact.user_vector(*user).astype(np.float32), -np.inf)
    best = np.argpartition(scores, -LIMIT)[-LIMIT:]
    return float(np.isin(best, rows).mean())


def least_seconds(ways: dict[str, Callable[[], Any]]) -> dict[str, float]:
    """Return the least CPU seconds of each way; they take turns, so that a slow minute is all's."""
    least = dict.fromkeys(ways, float("inf"))
    until = time.monotonic() + SECONDS * len(ways)
    while time.monotonic() < until:
        for name, way in ways.items():
            for _ in range(IN_A_ROW):
                began = time.thread_time_ns()
                way()
                least[name] = min(least[name], (time.thread_time_ns() - began) / 1e9)
    return least


if __name__ == "__main__":
    main()
