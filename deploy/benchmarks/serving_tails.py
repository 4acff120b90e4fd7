"""Measures how much longer the slowest calls take than the median, beside the echo's."""

from __future__ import annotations

import numpy as np

from deploy.benchmarks.serving_server import (
    OURS,
    Server,
    ask,
    ask_once,
    echoing,
    open_loop,
    requests,
    serving,
    wait_for_model,
)
from deploy.benchmarks.serving_store import make_serving_stores

LOADS = (0.3, 0.7)
SECONDS = 10.0
CALLS = 3_000


def main() -> None:
    """Print p50, p99 and their ratio at each load, for ours and the echo."""
    key, _ = make_serving_stores(["taste"], ["taste"])
    with serving(OURS) as ours:
        wait_for_model(ours, key)
        with echoing(ask_once(ours, key)) as echo:
            bodies = requests(key)
            for load in LOADS:
                for name, server in (("echo", echo), ("for-user", ours)):
                    show(name, server, bodies, load=load)


def show(name: str, server: Server, bodies: list[bytes], *, load: float) -> None:
    """Print a line for one server at so much of what one core can do."""
    seconds, _ = ask(server, bodies, count=CALLS)
    rate = load / seconds
    delays = open_loop(server, bodies, rate=rate, seconds=SECONDS)
    failed = int((delays < 0).sum())
    p50, p99 = np.percentile(delays[delays >= 0], (50, 99))
    print(
        f"  {load:.0%} load, {name:10}{rate:>8,.0f}/s  p50 {p50:>7,.0f} µs  p99 {p99:>7,.0f} µs  "
        f"p99/p50 {p99 / p50:>5.1f}  failed {failed}"
    )


if __name__ == "__main__":
    main()
