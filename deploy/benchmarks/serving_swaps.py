"""Measures calls at half of capacity while models are swapped, beside the same without swaps."""

from __future__ import annotations

import threading

import numpy as np
import psycopg
from numpy.typing import NDArray

from deploy.benchmarks.serving_server import (
    OURS,
    ask,
    open_loop,
    requests,
    serving,
    wait_for_model,
)
from deploy.benchmarks.serving_store import OTHER_VERSION, VERSION, make_serving_stores
from saas.lib.config import config

LOAD = 0.5
# A process looks once a second for what has gone live; two stores are swapped each time.
SWAPS = 50
SECONDS_BETWEEN = 1.05
CALLS = 3_000


def main() -> None:
    """Print the delays with and without swaps, and how many calls failed."""
    keys = make_serving_stores(["taste"], ["taste"])
    with serving(OURS) as ours:
        for key in keys:
            wait_for_model(ours, key)
        # Of both stores in turn.
        bodies = [body for pair in zip(*map(requests, keys), strict=True) for body in pair]
        seconds, _ = ask(ours, bodies, count=CALLS)
        rate = LOAD / seconds
        duration = SWAPS * SECONDS_BETWEEN
        quiet = show("no swaps", open_loop(ours, bodies, rate=rate, seconds=duration))
        swapping = threading.Thread(target=swap)
        swapping.start()
        busy = show(f"{2 * SWAPS} swaps", open_loop(ours, bodies, rate=rate, seconds=duration))
        swapping.join()
    print(f"  p99 with swaps {busy / quiet:.2f} of that without, at {rate:,.0f} calls/s")


def swap() -> None:
    """Let the other version of both stores go live, again and again."""
    pause = threading.Event()
    with psycopg.connect(config().database_url, autocommit=True) as connection:
        for number in range(SWAPS):
            version = VERSION if number % 2 else OTHER_VERSION
            connection.execute("UPDATE tenants_environment SET live_version = %s", (version,))
            pause.wait(SECONDS_BETWEEN)


def show(name: str, delays: NDArray[np.float64]) -> float:
    """Print a line and return the p99."""
    p50, p99 = np.percentile(delays[delays >= 0], (50, 99))
    failed = int((delays < 0).sum())
    print(
        f"  {name:10} p50 {p50:>7,.0f} µs  p99 {p99:>7,.0f} µs  {len(delays):>8,} calls, "
        f"{failed} failed"
    )
    return float(p99)


if __name__ == "__main__":
    main()
