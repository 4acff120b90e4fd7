"""Prints what an update between trainings costs and gains, on a folder of real data.

Usage: python deploy/benchmarks/engine_update.py [FOLDER] [--seconds 120] [--threads 2]

FOLDER (or SHELFWISE_BENCHMARK_DATA) is read as by engine_quality.py; data without times are
skipped. The base trains on the first 65 % of the lines, recipe and all; the next 15 % are new to
it; the last 20 % examine the base as it was (stale), the updated model and the same recipe fitted
anew. All three meet the same histories, those of the first 80 %.
"""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import replace
from pathlib import Path

# Also from a checkout without an installed package.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from engine_data import read_data
from engine_quality import DATA_VARIABLE, Clock, data_folders, line, marks_of, peak_mb
from threadpoolctl import threadpool_limits

from engine.core.base_model import BaseModel
from engine.core.dataset import Dataset
from engine.core.examination import examination
from engine.core.fitting import Workbench
from engine.core.recipe import UpdateSettings
from engine.core.recommenders.protocol import FitContext
from engine.core.report import EvaluationReport
from engine.core.split import arrangement_of, temporal_split
from engine.core.trainer import select_recipe
from engine.core.training_part import training_part
from engine.core.update_choice import base_of
from engine.core.updater import update_model

_TEST_SHARE = 0.20
# 15 of the 80 % before the test.
_NEW_SHARE = 0.15 / 0.80
_NO_REPORT = EvaluationReport(metrics={}, baselines={}, counts={}, data_window={})


def main() -> None:
    """Measure each data set that has times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=os.environ.get(DATA_VARIABLE))
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    if arguments.folder is None or not Path(arguments.folder).is_dir():
        print(f"Skipped: name a folder of data sets, as an argument or in {DATA_VARIABLE}.")
        return
    for folder in data_folders(Path(arguments.folder)):
        data = read_data(folder).whole
        if arrangement_of(data.interactions) == "time":
            print(f"\n== {folder.name}", flush=True)
            with threadpool_limits(limits=arguments.threads):
                measure(data, arguments.seconds, arguments.threads)


def measure(data: Dataset, seconds: float, threads: int) -> None:
    """Train the base, update it, and examine both beside the same recipe fitted anew."""
    test = temporal_split(data.interactions, later_share=_TEST_SHARE)
    new = temporal_split(test.earlier, later_share=_NEW_SHARE)
    known = replace(data, interactions=new.earlier)
    recipe = select_recipe(
        dataset=known, champion=None, seconds_budget=seconds, seed=0, threads=threads
    )
    print(f"update chosen on the base's own lagged window: {recipe.update}")
    recipe = replace(recipe, update=recipe.update or UpdateSettings(epochs=3))
    context = FitContext(seed=0, threads=threads)
    bench = Workbench(training_part(known, new.earlier), context, lambda _done, _of: None)
    stale = bench.blend(recipe)
    whole = training_part(data, test.earlier)
    exam = examination(whole, test.later, most_users=None, seed=0)
    print(f"{len(new.earlier)} lines, then {len(new.later)}; {len(exam.users)} users")
    print(line("stale", marks_of(stale, exam, recipe)))
    clock = Clock()
    updated = update_model(
        dataset=replace(data, interactions=test.earlier),
        base=BaseModel(recipe=recipe, blend=base_of(bench, recipe, stale), report=_NO_REPORT),
        threads=threads,
        report_progress=lambda _stage, _share: None,
    )
    taken = str(clock)
    if updated is None:
        print("Nothing new.")
        return
    print(line("updated", marks_of(updated.tables.blend, exam, recipe)) + taken)
    clock = Clock()
    anew = Workbench(whole, context, lambda _done, _of: None).blend(recipe)
    taken = str(clock)
    print(line("fitted anew", marks_of(anew, exam, recipe)) + taken + f", {peak_mb()} MB")


if __name__ == "__main__":
    main()
