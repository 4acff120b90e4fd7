"""Measures ingest_events in batches of 1,000 beside bulk_create(ignore_conflicts=True)."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from deploy.benchmarks.ingestion_store import make_store, processor_seconds, purchases, views

BATCHES = 25
BATCH_EVENTS = 1_000


def main() -> None:
    """Run each way on one connection and print what it took, with the process's own share."""
    live, _ = make_store()
    from django.utils import timezone

    from deploy.benchmarks.baseline_events import EventSerializer, store
    from engine.services.ingest_events import ingest_events
    from tenants.context import in_environment

    def ingest(rows: list[dict[str, Any]], source: str) -> None:
        with in_environment(live):
            taken = ingest_events(
                environment=live, rows=rows, received_at=timezone.now(), source=source
            )
        if taken.accepted != len(rows):
            raise SystemExit(f"Of {len(rows)} events {taken.accepted} were taken.")

    def bulk_create(rows: list[dict[str, Any]]) -> None:
        with in_environment(live):
            serializer = EventSerializer(data=rows, many=True)
            serializer.is_valid(raise_exception=True)
            store(serializer.validated_data, now=timezone.now())

    ingest(views(BATCH_EVENTS), "server")
    print("batches of 1,000, one connection      events/s   processor, ours and PostgreSQL's")
    baseline = rate("ModelSerializer, bulk_create", bulk_create, views)
    for name, source, make in (
        ("ingest_events, views", "server", views),
        ("ingest_events, imported views", "import", views),
        ("ingest_events, imported purchases", "import", purchases),
    ):
        events = rate(name, lambda rows, source=source: ingest(rows, source), make)
        print(f"  {'':36}{events / baseline:.1f} times the baseline")


def rate(
    name: str,
    act: Callable[[list[dict[str, Any]]], None],
    make: Callable[[int], list[dict[str, Any]]],
) -> float:
    """Print and return the events of a second."""
    batches = [make(BATCH_EVENTS) for _ in range(BATCHES)]
    server = backend()
    began, ours, theirs = time.perf_counter(), time.process_time(), processor_seconds(server)
    for batch in batches:
        act(batch)
    seconds, ours = time.perf_counter() - began, time.process_time() - ours
    theirs = processor_seconds(server) - theirs
    events = BATCHES * BATCH_EVENTS / seconds
    each = f"{ours / BATCHES * 1e3:.0f} + {theirs / BATCHES * 1e3:.0f} ms a batch"
    print(f"  {name:36}{events:>8,.0f}   {each}")
    return events


def backend() -> int:
    """Return the process of PostgreSQL's that serves this one; the pool keeps to it."""
    from django.db import connection

    from tenants.context import on_platform

    with on_platform(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


if __name__ == "__main__":
    main()
