"""Prints what becomes of items that trend, beside those that are popular, week after week.

Usage: python deploy/benchmarks/engine_trends.py [FOLDER]

FOLDER (or SHELFWISE_BENCHMARK_DATA) has events.csv(.gz) with user_id, item_id and timestamp. On
each of thirty days, a week apart, the ten best of a list are followed into the next window: how
many are still asked for more than in their own past (at the whole store's pace), and how much more
all together.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

# Also from a checkout without an installed package.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from engine_data import rows_of

from engine.core.recency import DAY_SECONDS
from engine.core.trends import WINDOWS, rises

DAYS = 30
LIST = 10

Counts = NDArray[np.int64]
Visits = Callable[[float, float], Counts]


def main() -> None:
    """Print a line for each window and list."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "folder", type=Path, nargs="?", default=os.environ.get("SHELFWISE_BENCHMARK_DATA")
    )
    folder = parser.parse_args().folder
    if folder is None or not any(Path(folder).glob("events.csv*")):
        print("Skipped: name a folder with events.csv(.gz) that has times.")
        return
    visits, newest = _visits(Path(folder))
    for window, (days, _) in WINDOWS.items():
        found: dict[str, list[tuple[float, float]]] = {"trending": [], "popular": []}
        for week in range(1, DAYS + 1):
            end = newest - days - 7 * week
            for name, outcome in _followed(visits, window, end=end).items():
                found[name].append(outcome)
        for name, outcomes in found.items():
            if outcomes:
                risen, times = np.array(outcomes).T
                told = f"still risen {risen.mean():.2f}  times the own past {np.median(times):.2f}"
                print(f"{window:<4} {name:<9} {told}  ({len(outcomes)} days)")


def _visits(folder: Path) -> tuple[Visits, float]:
    """Return a counter of visits between two days, and the newest day."""
    users: dict[str, int] = {}
    items: dict[str, int] = {}
    lines = [
        (
            users.setdefault(row["user_id"], len(users)),
            items.setdefault(row["item_id"], len(items)),
            int(row["timestamp"]),
        )
        for row in rows_of(folder / "events.csv")
    ]
    user, item, seconds = np.array(lines, dtype=np.int64).T
    day = seconds / DAY_SECONDS

    def count(start: float, end: float) -> Counts:
        inside = (day >= start) & (day < end)
        days_before = np.floor(end - day[inside]).astype(np.int64)
        key = (days_before * len(users) + user[inside]) * len(items) + item[inside]
        return np.bincount(np.unique(key) % len(items), minlength=len(items))

    return count, float(day.max())


def _followed(visits: Visits, window: str, *, end: float) -> dict[str, tuple[float, float]]:
    """Return for each list how many of it stay risen, and its visits over those of its past."""
    counted = {}
    for name, (days, before) in WINDOWS.items():
        counted[name] = (visits(end - days, end), visits(end - days - before, end - days))
    now, past = counted[window]
    following = visits(end, end + WINDOWS[window][0])
    if not past.sum() or not following.sum():
        return {}
    expected = past * (following.sum() / past.sum())
    outcomes = {}
    for name, scores in (("trending", rises(counted)[window]), ("popular", now)):
        best = np.argsort(-scores, kind="stable")[:LIST]
        best = best[scores[best] > 0]
        if len(best):
            risen = float((following[best] > expected[best]).mean())
            times = float(following[best].sum() / max(1.0, expected[best].sum()))
            outcomes[name] = (risen, times)
    return outcomes


if __name__ == "__main__":
    main()
