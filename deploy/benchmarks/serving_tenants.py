"""Measures what 1,000 open models cost one process, and how long one is opened from the disk."""

from __future__ import annotations

import json
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import structlog

from api.inference.model_store import Model, ModelStore
from api.inference.serve import open_many_files
from deploy.benchmarks.serving_store import VERSION, make_tables, write_model
from engine.core.array_folder import MANIFEST
from engine.core.ranking import score_for_user

TENANTS = 1_000
ITEMS = 2_000
SHOPPERS = 5_000


def main() -> None:
    """Print the private memory of an open model and the median time of opening one."""
    open_many_files()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    folder = Path(tempfile.mkdtemp(prefix="shelfwise-models-"))
    try:
        first = folder / "0" / VERSION
        write_model(make_tables(["taste"], items=ITEMS, shoppers=SHOPPERS), folder=first)
        for tenant in range(1, TENANTS):
            copy(first, tenant)
        measure(folder)
    finally:
        shutil.rmtree(folder)


def copy(first: Path, tenant: int) -> None:
    """Give another tenant the same model: the same files, but for whose they are."""
    place = first.parents[1] / str(tenant) / first.name
    shutil.copytree(first, place, copy_function=os.link)
    manifest = json.loads((place / MANIFEST).read_text())
    (place / MANIFEST).unlink()
    (place / MANIFEST).write_text(json.dumps({**manifest, "environment_id": tenant}))


def measure(folder: Path) -> None:
    """Open every model, rank once with each, and print what it cost."""
    store = ModelStore(folder)
    before, opened, seconds = private_bytes(), [], []
    for tenant in range(TENANTS):
        forget(folder / str(tenant) / VERSION)
        began = time.perf_counter()
        model = store.open(tenant, VERSION)
        seconds.append(time.perf_counter() - began)
        if model is None:
            raise SystemExit(f"The model of {tenant} was refused.")
        opened.append(model)
        rank(model)
    private = (private_bytes() - before) / TENANTS
    size = opened[0].size_bytes / 2**20
    print(
        f"  {TENANTS:,} models of {ITEMS:,} items, {size:.1f} MiB each: "
        f"{private / 1024:.1f} KiB private memory for each, opened from the disk in "
        f"p50 {np.median(seconds) * 1e3:.1f} ms, p99 {np.percentile(seconds, 99) * 1e3:.1f} ms"
    )


def rank(model: Model) -> None:
    """Use a model as a call does."""
    artifact = model.artifact
    span = slice(artifact.histories.indptr[0], artifact.histories.indptr[1])
    rows, weights = artifact.histories.rows[span], artifact.histories.weights[span]
    scored = score_for_user(artifact, rows=rows, weights=weights, age_days=np.zeros(len(rows)))
    scored.best(allowed=np.ones(artifact.n_items, dtype=np.bool_), limit=20)


def private_bytes() -> int:
    """Return what the process has for itself alone."""
    text = Path("/proc/self/smaps_rollup").read_text()
    lines = dict(_fields(text))
    return 1024 * (lines["Private_Dirty"] + lines["Private_Clean"])


def _fields(text: str) -> Iterator[tuple[str, int]]:
    for line in text.splitlines()[1:]:
        name, value, *_ = line.split()
        yield name.rstrip(":"), int(value)


def forget(folder: Path) -> None:
    """Let the kernel keep nothing of the files."""
    for path in folder.iterdir():
        descriptor = os.open(path, os.O_RDONLY)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)


if __name__ == "__main__":
    main()
