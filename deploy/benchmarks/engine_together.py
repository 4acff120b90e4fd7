"""Prints how well what is bought together predicts later baskets, beside other measures of pairs.

Usage: python deploy/benchmarks/engine_together.py [FOLDER]

FOLDER (or SHELFWISE_BENCHMARK_DATA) has events.csv(.gz) with order_id, item_id and timestamp. The
first 80 % of the orders by time are counted, all of them and a tenth; of each later order some
items are given, and the others are to be found in a list of ten.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

# Also from a checkout without an installed package.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from engine_data import rows_of

from engine.core.baskets import Baskets
from engine.core.co_purchases import CoPurchases, co_purchases
from engine.core.dataset import CatalogueItem
from engine.core.metrics import ndcg

LATER_SHARE = 0.2
COUNTED_SHARES = (1.0, 0.1)
GIVEN = (1, 3, 8)
LIST = 10
SEED = 42


def main() -> None:
    """Print a line for each share, number of given items, and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "folder", type=Path, nargs="?", default=os.environ.get("SHELFWISE_BENCHMARK_DATA")
    )
    folder = parser.parse_args().folder
    if folder is None or not any(Path(folder).glob("events.csv*")):
        print("Skipped: name a folder with events.csv(.gz) that has order ids.")
        return
    order, item, seconds = _lines(Path(folder))
    starts = np.full(order.max() + 1, np.iinfo(np.int64).max)
    np.minimum.at(starts, order, seconds)
    is_later = starts > np.quantile(starts, 1 - LATER_SHARE)
    draw = np.random.default_rng(SEED)
    for share in COUNTED_SHARES:
        is_counted = ~is_later & (draw.random(len(starts)) < share)
        lines = is_counted[order]
        measures = _measures(order[lines], item[lines], n_items=int(item.max()) + 1)
        known = np.unique(item[lines])
        for given in GIVEN:
            later = _later(order, item, is_later, known, given=given)
            print(f"{is_counted.sum()} orders counted, {given} given, {len(later)} examined")
            for name, pairs in measures.items():
                print(f"  {name:<18}{_examined(pairs, later)}")


def _lines(folder: Path) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    orders: dict[str, int] = {}
    items: dict[str, int] = {}
    lines = [
        (
            orders.setdefault(row["order_id"], len(orders)),
            items.setdefault(row["item_id"], len(items)),
            int(row["timestamp"]),
        )
        for row in rows_of(folder / "events.csv")
        if row["event_type"] == "purchase"
    ]
    order, item, seconds = np.array(lines, dtype=np.int64).T
    return order, item, seconds


def _measures(
    order: NDArray[np.int64], item: NDArray[np.int64], *, n_items: int
) -> Mapping[str, sp.csr_array]:
    items = [CatalogueItem(item_id=str(row), title="") for row in range(n_items)]
    started = time.process_time()
    table = co_purchases(Baskets(order, item.astype(np.int32)), items)
    print(f"the product's table: {time.process_time() - started:.2f} CPU s, {_bytes(table)} bytes")
    ours = sp.csr_array((table.data, table.indices, table.indptr), shape=(n_items, n_items))
    _, rows = np.unique(order, return_inverse=True)
    together = sp.csr_array((np.ones(len(rows)), (rows, item)), shape=(rows.max() + 1, n_items))
    together.data[:] = 1
    bought: NDArray[np.float64] = np.asarray(together.sum(axis=0))
    counts = sp.coo_array(together.T @ together)
    apart = counts.row != counts.col
    first, second, count = counts.row[apart], counts.col[apart], counts.data[apart]
    expected = bought[first] * bought[second] / together.shape[0]
    others = {
        "raw count": count,
        "cosine": count / np.sqrt(bought[first] * bought[second]),
        "plain lift": count / expected,
        "popular partners": bought[second],
    }
    return {"the product's": ours} | {
        name: sp.csr_array((values, (first, second)), shape=counts.shape)
        for name, values in others.items()
    }


def _bytes(table: CoPurchases) -> int:
    return sum(array.nbytes for array in vars(table).values())


def _later(
    order: NDArray[np.int64],
    item: NDArray[np.int64],
    is_later: NDArray[np.bool_],
    known: NDArray[np.int64],
    *,
    given: int,
) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    draw = np.random.default_rng(SEED)
    wanted = is_later[order] & np.isin(item, known)
    baskets: dict[int, set[int]] = {}
    for basket, row in zip(order[wanted].tolist(), item[wanted].tolist(), strict=True):
        baskets.setdefault(basket, set()).add(row)
    shuffled = [draw.permutation(sorted(rows)) for rows in baskets.values() if len(rows) > given]
    return [(rows[:given], rows[given:]) for rows in shuffled]


def _examined(pairs: sp.csr_array, later: list[tuple[NDArray[np.int64], NDArray[np.int64]]]) -> str:
    ndcgs, recalls, shown = [], [], set()
    for given, others in later:
        scores = np.asarray(pairs[given].sum(axis=0)).ravel()
        scores[given] = 0
        best = np.argsort(-scores, kind="stable")[:LIST]
        best = best[scores[best] > 0]
        hits = np.zeros(LIST, dtype=np.bool_)
        hits[: len(best)] = np.isin(best, others)
        ndcgs.append(ndcg(hits, relevant=min(LIST, len(others))))
        recalls.append(hits.sum() / min(LIST, len(others)))
        shown.update(best.tolist())
    found = f"NDCG@10 {np.mean(ndcgs):.4f}  recall@10 {np.mean(recalls):.4f}"
    return f"{found}  {len(shown)} items shown"


if __name__ == "__main__":
    main()
