"""Measures the CPU of one recommendation call beside its baselines, in one run."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import ExitStack

import numpy as np

from api.inference.erasures import Trace
from api.inference.recent_events import RecentEvents
from api.inference.redis_pipe import RedisPipe
from deploy.benchmarks.serving_server import (
    CONNECTIONS,
    FLASK,
    FRAMEWORK,
    LIMIT,
    OURS,
    Server,
    ask,
    ask_once,
    echoing,
    requests,
    serving,
    wait_for_model,
)
from deploy.benchmarks.serving_store import (
    ITEMS,
    RARE_CATEGORY,
    SHOPPERS,
    make_serving_stores,
    models,
)
from engine.core.ranking import score_for_user
from saas.lib.config import config
from saas.lib.recent_events import user_key

CALLS = 3_000
WARM_UP = 300
# The answers under test and their baselines are asked in turn, so that a slow minute is theirs all.
ROUNDS = 3


def main() -> None:
    """Measure each way in turn and print the best round of each."""
    one_part, blend = make_serving_stores(["taste"], ["taste", "item_knn", "popular"])
    rare = {"filter": {"in": ["categories", RARE_CATEGORY]}}
    with ExitStack() as servers:
        ours = servers.enter_context(serving(OURS))
        wait_for_model(ours, one_part)
        wait_for_model(ours, blend)
        echo = servers.enter_context(echoing(ask_once(ours, one_part)))
        framework = servers.enter_context(serving(FRAMEWORK))
        flask = servers.enter_context(serving(FLASK))
        asked = requests(one_part)
        results = measured(
            {
                "bare ASGI echo of the answer": (echo, asked),
                "Flask and LightFM.predict": (flask, asked),
                "framework's view, one dense part": (framework, asked),
                "for-user, one dense part": (ours, asked),
                "for-user, 1 % category filter": (ours, requests(one_part, **rare)),
                "for-user, blend of three parts": (ours, requests(blend)),
            }
        )
    show(results)
    show_rest(*(seconds for seconds, _ in results.values()))


def measured(ways: dict[str, tuple[Server, Sequence[bytes]]]) -> dict[str, tuple[float, float]]:
    """Return each way's least CPU seconds of a call and the median delay of that round."""
    best: dict[str, tuple[float, float]] = {}
    for server, bodies in ways.values():
        ask(server, bodies, count=WARM_UP)
    for _ in range(ROUNDS):
        for name, (server, bodies) in ways.items():
            found = ask(server, bodies, count=CALLS)
            best[name] = min(best.get(name, found), found)
    return best


def show(results: dict[str, tuple[float, float]]) -> None:
    """Print a line for each way, with its ratios to the baselines."""
    echo, flask, framework, one_part, *_ = (seconds for seconds, _ in results.values())
    print(
        f"{ITEMS:,} items, {LIMIT} out{'':16}CPU a call     p50 of echo  of Flask of view  of one"
    )
    for name, (seconds, delay) in results.items():
        print(
            f"  {name:34}{seconds * 1e6:>7,.0f} µs{delay * 1e3:>6.2f} ms{seconds / echo:>8.1f}"
            f"{seconds / flask:>10.2f}{seconds / framework:>8.2f}{seconds / one_part:>8.2f}"
        )


def show_rest(echo: float, _flask: float, _framework: float, one_part: float, *_: float) -> None:
    """Print what is left of a call without scan and round trip."""
    scan, round_trip = scan_seconds(), asyncio.run(round_trip_seconds())
    rest = one_part - scan - round_trip
    print(
        f"  of one dense part: scan {scan * 1e6:.0f} µs, round trip {round_trip * 1e6:.0f} µs, "
        f"all else {rest * 1e6:.0f} µs: {rest / echo:.1f} of echo"
    )


def scan_seconds() -> float:
    """Return the CPU of ranking all items for one shopper by one dense part."""
    artifact = next(models())
    histories = artifact.histories
    allowed = np.ones(artifact.n_items, dtype=np.bool_)
    best = float("inf")
    for _ in range(ROUNDS):
        began = time.thread_time()
        for user in range(SHOPPERS):
            span = slice(histories.indptr[user], histories.indptr[user + 1])
            ages = np.zeros(span.stop - span.start)
            scored = score_for_user(
                artifact,
                rows=histories.rows[span],
                weights=histories.weights[span],
                age_days=ages,
            )
            scored.best(allowed=allowed, limit=LIMIT)
        best = min(best, time.thread_time() - began)
    return best / SHOPPERS


async def round_trip_seconds() -> float:
    """Return the CPU of asking Redis for one shopper's last seconds, a few calls at a time."""
    recent_events = RecentEvents(RedisPipe(config().redis_url, patience=1))

    async def client() -> None:
        for number in range(CALLS // CONNECTIONS):
            user_id = f"user-{number}"
            traces = [Trace(user_key(user_id))]
            await recent_events.read(1, traces=traces, session_id=None, user_id=user_id)

    best = float("inf")
    for _ in range(ROUNDS):
        began = time.thread_time()
        await asyncio.gather(*(client() for _ in range(CONNECTIONS)))
        best = min(best, time.thread_time() - began)
    recent_events.close()
    return best / CALLS


if __name__ == "__main__":
    main()
