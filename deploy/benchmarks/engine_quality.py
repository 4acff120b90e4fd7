"""Prints what the engine reaches on a folder of real data: each candidate beside the pipeline.

Usage: python deploy/benchmarks/engine_quality.py FOLDER [--seconds 120] [--threads 2]

FOLDER holds items.csv and events.csv or events.csv.gz in the columns of an import:
`id,title,price,categories,brand` and `type,user_id,item_id,ts` (others are ignored).
"""

from __future__ import annotations

import argparse
import csv
import gzip
import resource
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

# Also from a checkout without an installed package.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from engine.core.blend import Blend
from engine.core.dataset import EVENT_WEIGHTS, CatalogueItem, Dataset, Interactions
from engine.core.evaluator import evaluate, examination
from engine.core.fitting import Workbench, settings_of
from engine.core.metrics import Metric
from engine.core.recommenders.protocol import FitContext
from engine.core.split import TEST_SHARE, temporal_split
from engine.core.trained_model import TrainedModel
from engine.core.trainer import train_model
from engine.core.training_part import training_part

ITEM_FIELDS = {"id", "title", "price", "currency", "categories", "brand"}
METRICS = ("ndcg@10", "recall@20", "mrr", "coverage@10")


def main() -> None:
    """Train once, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    if not (arguments.folder / "items.csv").exists():
        print(f"Skipped: {arguments.folder} has no items.csv.")
        return
    dataset = read_dataset(arguments.folder)
    started = time.perf_counter()
    model = train_model(
        dataset=dataset,
        champion=None,
        seconds_budget=arguments.seconds,
        seed=0,
        threads=arguments.threads,
        report_progress=lambda stage, share: None,
    )
    seconds = time.perf_counter() - started
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"counts {dict(model.report.counts)}")
    print(f"{'model':<22}" + "".join(f"{name:<26}" for name in METRICS) + "fit s")
    for name, metrics, fit_seconds in candidates(dataset, model, threads=arguments.threads):
        print(line(name, metrics) + f"{fit_seconds:.2f}")
    print(line("popular, best window", model.report.baselines["popular"]))
    print(line("pipeline", model.report.metrics) + f"{seconds:.1f} in all")
    weights = {name: weight for name, weight in model.recipe.weights.items() if weight}
    print(f"weights {weights}\ngate {model.gate}\npeak RSS {peak_mb:.0f} MB")


def candidates(
    dataset: Dataset, model: TrainedModel, *, threads: int
) -> Iterator[tuple[str, dict[str, Metric], float]]:
    """Examine each part of the recipe alone, on the cut of the report."""
    split = temporal_split(dataset.interactions, later_share=TEST_SHARE)
    bench = Workbench(
        part=training_part(dataset, split.earlier),
        context=FitContext(seed=0, threads=threads),
        report_epoch=lambda share: None,
    )
    exam = examination(bench.part, split.later, most_users=None, seed=0)
    for settings in settings_of(model.recipe):
        started = time.perf_counter()
        part = bench.fit(settings)
        fit_seconds = time.perf_counter() - started
        blend = Blend(parts=(part,), weights={part.name: 1.0})
        marks = evaluate(blend, exam, half_life_days=model.recipe.history_half_life_days)
        yield part.name, marks.metrics(seed=0), fit_seconds


def line(name: str, metrics: dict[str, Metric]) -> str:
    """Return one row of the table."""
    cells = (metrics[metric] for metric in METRICS)
    texts = [f"{cell.value:.4f} ({cell.low:.4f}..{cell.high:.4f})" for cell in cells]
    return f"{name:<22}" + "".join(f"{text:<26}" for text in texts)


def read_dataset(folder: Path) -> Dataset:
    """Read items.csv and events.csv(.gz); events of unknown items are left out."""
    items = [_item(row) for row in _rows(folder / "items.csv")]
    item_rows = {item.item_id: row for row, item in enumerate(items)}
    user_rows: dict[str, int] = {}
    lines = []
    plain = folder / "events.csv"
    for row in _rows(plain if plain.exists() else folder / "events.csv.gz"):
        if row["item_id"] in item_rows and row["user_id"]:
            user = user_rows.setdefault(f"u:{row['user_id']}", len(user_rows))
            weight = EVENT_WEIGHTS.get(row["type"], 0.0)
            is_purchase = row["type"] == "purchase"
            lines.append(
                (user, item_rows[row["item_id"]], weight, _seconds(row["ts"]), is_purchase)
            )
    users, rows, weights, seconds, purchases = zip(*lines, strict=True)
    return Dataset(
        user_keys=list(user_rows),
        items=items,
        interactions=Interactions(
            user_index=np.array(users, dtype=np.int32),
            item_index=np.array(rows, dtype=np.int32),
            weight=np.array(weights, dtype=np.float32),
            seconds=np.array(seconds, dtype=np.int64),
            is_purchase=np.array(purchases, dtype=np.bool_),
        ),
    )


def _item(row: dict[str, str]) -> CatalogueItem:
    return CatalogueItem(
        item_id=row["id"],
        title=row["title"],
        categories=tuple(path for path in row.get("categories", "").split("|") if path),
        brand=row.get("brand") or None,
        price=float(row["price"]) if row.get("price") else None,
        attributes={name: text for name, text in row.items() if text and name not in ITEM_FIELDS},
    )


def _rows(path: Path) -> Iterator[dict[str, str]]:
    reader = gzip.open if path.suffix == ".gz" else open
    with reader(path, "rt", encoding="utf-8-sig", newline="") as text:
        yield from csv.DictReader(text)


def _seconds(text: str) -> int:
    moment = datetime.fromisoformat(text)
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


if __name__ == "__main__":
    main()
