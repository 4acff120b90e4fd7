"""Prints what the engine reaches on folders of real data: each candidate beside the pipeline.

Usage: python deploy/benchmarks/engine_quality.py [FOLDER] [--seconds 120] [--threads 2]

FOLDER (or SHELFWISE_BENCHMARK_DATA) holds one data set or a folder for each. A data set is
events.csv(.gz), or train.csv(.gz) and test.csv(.gz), and items.csv where there is one. Nothing is
said per data set: lines with times are cut at 80 % of them, lines with an order alone lose each
user's last one, sorted lines a random fifth of their pairs. The recipe is chosen on the training
side, by the pipeline alone; then its parts and its blend are examined on the other side.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

# Also from a checkout without an installed package.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from engine_data import BenchmarkData, read_data
from threadpoolctl import threadpool_limits

from engine.core import portfolio
from engine.core.blend import Blend
from engine.core.evaluator import evaluate
from engine.core.examination import Examination, cold_item_examination, examination
from engine.core.fitting import Workbench
from engine.core.metrics import Metric
from engine.core.recipe import LightFMSettings, PopularitySettings, Recipe, Settings
from engine.core.recommenders.protocol import FitContext
from engine.core.selection import NEW_ITEM_WEIGHTS
from engine.core.split import dated
from engine.core.trainer import select_recipe, train_model
from engine.core.training_part import TrainingPart, training_part

METRICS = ("ndcg@10", "ndcg@20", "recall@20", "hit_rate@10", "coverage@10")
COLD_SHARE = 0.1
DATA_VARIABLE = "SHELFWISE_BENCHMARK_DATA"


def main() -> None:
    """Run each data set and measure in a process of its own, whose peak memory is its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=os.environ.get(DATA_VARIABLE))
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--measure", choices=MEASURES)
    arguments = parser.parse_args()
    if arguments.folder is None or not Path(arguments.folder).is_dir():
        print(f"Skipped: name a folder of data sets, as an argument or in {DATA_VARIABLE}.")
        return
    if arguments.measure:
        data = read_data(Path(arguments.folder))
        with threadpool_limits(limits=arguments.threads):
            MEASURES[arguments.measure](data, arguments.seconds, arguments.threads)
        return
    for folder in data_folders(Path(arguments.folder)):
        print(f"\n== {folder.name}", flush=True)
        for measure in MEASURES:
            common = ["--seconds", str(arguments.seconds), "--threads", str(arguments.threads)]
            subprocess.run(
                [sys.executable, __file__, str(folder), *common, "--measure", measure], check=True
            )


def data_folders(folder: Path) -> Iterator[Path]:
    """Return the folder itself when it is a data set, else those in it that are."""
    for each in (folder, *sorted(folder.iterdir())):
        if any(each.glob("events.csv*")) or any(each.glob("train.csv*")):
            yield each


def measure_quality(data: BenchmarkData, seconds: float, threads: int) -> None:
    """Choose on the training side, examine on the other."""
    clock = Clock()
    recipe = select_recipe(
        dataset=data.training, champion=None, seconds_budget=seconds, seed=0, threads=threads
    )
    print(f"chosen in {clock}: {spoken(recipe)}")
    bench = Workbench(
        part=training_part(data.training, dated(data.training.interactions)[0]),
        context=FitContext(seed=0, threads=threads),
        report_epoch=lambda _done, _of: None,
    )
    exam = examination(bench.part, data.later, most_users=None, seed=0)
    print(f"{len(exam.users)} users\n{'model':<20}" + "".join(f"{m:<26}" for m in METRICS) + "fit")
    for settings in candidates(recipe, bench.part):
        clock = Clock()
        try:
            part = bench.fit(settings)
        except MemoryError as error:
            print(f"{type(settings).__name__}: left out, {error}")
            continue
        alone = Blend(parts=(part,), weights={part.name: 1.0})
        print(line(part.name, marks_of(alone, exam, recipe)) + str(clock), flush=True)
    # The recipe's own is chosen for what it brings to the blend.
    part = bench.fit(lightfm_for_itself(bench.part))
    alone = Blend(parts=(part,), weights={part.name: 1.0})
    print(line("taste, for itself", marks_of(alone, exam, recipe)), flush=True)
    fresh = replace(bench, fitted={})
    clock = Clock()
    blend = fresh.blend(recipe)
    print(line("PIPELINE", marks_of(blend, exam, recipe)) + str(clock), flush=True)
    repeats = examination(bench.part, data.later, most_users=None, seed=0, repeats=True)
    again = blend.for_type("buy_again")
    print(line("PIPELINE, repeats", marks_of(again, repeats, recipe)))
    print(f"peak RSS {peak_mb()} MB")


def measure_cold_items(data: BenchmarkData, seconds: float, threads: int) -> None:
    """Hold a tenth of the items out entirely and rank them alone."""
    items = len(data.training.items)
    is_cold = np.zeros(items, dtype=np.bool_)
    is_cold[np.random.default_rng(42).permutation(items)[: int(items * COLD_SHARE)]] = True
    lines = data.whole.interactions
    held_out = is_cold[lines.item_index]
    part = training_part(data.whole, lines.take(~held_out))
    if not part.features.matrix.nnz:
        return
    exam = cold_item_examination(part, lines.take(held_out), most_users=None, seed=0)
    bench = Workbench(part, FitContext(seed=0, threads=threads), lambda _done, _of: None)
    recipe = Recipe(
        popularity=PopularitySettings(window_days=None),
        history_half_life_days=None,
        item_knn=portfolio.item_knn_portfolio(part)[0],
        content=portfolio.CONTENT,
        factors=portfolio.FACTORS,
    )
    print(f"cold items: {is_cold.sum()}, {len(exam.users)} users")
    parts = [
        bench.fit(settings)
        for settings in (portfolio.CONTENT, portfolio.FACTORS, portfolio.lightfm_portfolio(20)[0])
    ]
    for part_ in parts:
        alone = Blend(parts=(part_,), weights={part_.name: 1.0})
        print(line(part_.name, marks_of(alone, exam, recipe)))
    blend = Blend(parts=tuple(parts[:2]), weights=NEW_ITEM_WEIGHTS)
    print(line("PIPELINE, cold items", marks_of(blend, exam, recipe)))


def measure_training(data: BenchmarkData, seconds: float, threads: int) -> None:
    """Train as the worker does: choose, prove, judge, refit on everything."""
    clock = Clock()
    model = train_model(
        dataset=data.whole,
        champion=None,
        seconds_budget=seconds,
        seed=0,
        threads=threads,
        report_progress=lambda _stage, _share: None,
    )
    print(f"whole training of {len(data.whole.interactions)} events: {clock}, {peak_mb()} MB")
    print(f"gate: {model.gate.promote}, {model.gate.reason}")
    for stratum, metrics in model.report.strata.items():
        print(f"{stratum:<20}" + " ".join(f"{k} {v.value:.4f}" for k, v in metrics.items()))


MEASURES = {
    "quality": measure_quality,
    "cold": measure_cold_items,
    "training": measure_training,
}


def candidates(recipe: Recipe, part: TrainingPart) -> list[Settings]:
    """Return the recipe's settings and, of the families it has none of, the first to be tried."""
    defaults: Mapping[str, Settings | None] = {
        "rp3": portfolio.rp3_portfolio(None)[0],
        "ease": next((it for it, _ in portfolio.ease_portfolio(part, None)), None),
        "gfcf": next((it for it, _ in portfolio.gfcf_portfolio(part, None)), None),
        "co_visits": next(iter(portfolio.co_visits_portfolio(part, None)), None),
        "factors": portfolio.FACTORS,
    }
    filled = {name: getattr(recipe, name) or settings for name, settings in defaults.items()}
    return replace(recipe, own=None, **filled).settings


def lightfm_for_itself(part: TrainingPart) -> LightFMSettings:
    """Return the settings that are the best without a blend."""
    return portfolio.lightfm_portfolio(30, knows_ages=portfolio.has_ages(part))[1]


def marks_of(blend: Blend, exam: Examination, recipe: Recipe) -> dict[str, Metric]:
    """Return a blend's metrics with intervals."""
    return evaluate(blend, exam, half_life_days=recipe.history_half_life_days).metrics(seed=0)


def spoken(recipe: Recipe) -> str:
    """Return what was chosen, in a line for each matter."""
    settings = "\n  ".join(str(it) for it in recipe.settings)
    return (
        f"half-life {recipe.history_half_life_days}\n  {settings}\n  weights {dict(recipe.weights)}"
        f"\n  {dict(recipe.type_weights)}"
    )


def line(name: str, metrics: Mapping[str, Metric]) -> str:
    """Return one row of the table."""
    cells = (metrics[metric] for metric in METRICS)
    texts = [f"{cell.value:.4f} ({cell.low:.4f}..{cell.high:.4f})" for cell in cells]
    return f"{name:<20}" + "".join(f"{text:<26}" for text in texts)


class Clock:
    """Seconds since it was made, of the wall and of all cores."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def __str__(self) -> str:
        wall, cpu = time.perf_counter() - self._wall, time.process_time() - self._cpu
        return f"{wall:.1f} s ({cpu:.1f} CPU s)"


def peak_mb() -> int:
    """Return this process's largest resident memory."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    main()
