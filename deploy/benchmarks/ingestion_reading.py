"""Measures reading a store's events into a training matrix beside values_list().iterator().

Each way runs in a process of its own (this file with the way's name), which reports its memory.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from typing import Any

EVENTS = int(os.environ.get("BENCH_EVENTS", "5000000"))
ITEMS = 20_000
USERS = 200_000
# Straight into the table, whose indexes no reading uses: they would take most of the time.
FILL = """
    INSERT INTO engine_event (event_key, line, content_digest, source, type, occurred_at,
        received_at, user_id, item_ref_id)
    SELECT gen_random_uuid(), 0, '', 'import', (ARRAY['view', 'cart', 'purchase'])[1 + n %% 3],
        now() - n * interval '1 second', now(),
        1 + (random() * %s)::int, 1 + (random() * %s)::int
    FROM generate_series(1, %s) AS n
"""
INDEXES = """
    SELECT indexrelid::regclass::text FROM pg_index
    WHERE indrelid = 'engine_event'::regclass AND NOT indisunique
"""


def main() -> None:
    """Fill a store, then read it each way."""
    from deploy.benchmarks.ingestion_store import make_store

    live, _ = make_store()
    fill(live)
    print(f"{EVENTS:,} events into a matrix       seconds   processor   peak MB")
    taken = []
    for way in ("values_list", "packed"):
        run = subprocess.run(
            [sys.executable, __file__, way, live.schema_name],
            check=True,
            capture_output=True,
            text=True,
        )
        seconds, processor, megabytes, entries = run.stdout.split()
        taken.append(float(processor))
        print(f"  {way:32}{seconds:>8} s{processor:>10} s{megabytes:>10}   {entries} entries")
    print(
        f"  {taken[0] / taken[1]:.1f} times the baseline, by processor time (ours and PostgreSQL's)"
    )


def fill(live: Any) -> None:
    """Put events into the store's table."""
    import psycopg

    with psycopg.connect(os.environ["DATABASE_OWNER_URL"], autocommit=True) as connection:
        connection.execute(f'SET search_path = "{live.schema_name}"')
        for (index,) in connection.execute(INDEXES).fetchall():
            connection.execute(f"DROP INDEX {index}")
        connection.execute("ALTER TABLE engine_event DROP CONSTRAINT event_line_once")
        connection.execute(FILL, [USERS - 1, ITEMS - 1, EVENTS])
        connection.execute("VACUUM ANALYZE engine_event")


def read(way: str, schema_name: str) -> None:
    """Read the matrix one way and print seconds, peak memory and entries."""
    import django

    django.setup()
    import numpy as np
    import scipy.sparse
    from django.db import connection

    from deploy.benchmarks.ingestion_store import processor_seconds
    from engine.core.dataset import EVENT_WEIGHTS
    from engine.models.event import Event
    from engine.selectors.packed_events import packed_events
    from tenants.context import in_environment, on_platform
    from tenants.models.environment import Environment

    with on_platform():
        live = Environment.objects.get(schema_name=schema_name)
    began, started = time.perf_counter(), time.process_time()
    weights = np.array(list(EVENT_WEIGHTS.values()), dtype=np.float32)
    with in_environment(live):
        if way == "packed":
            events = packed_events()
            columns = events.user, events.item_ref, weights[events.type_index]
        else:
            names = ("user_id", "item_ref_id", "type")
            rows = Event.objects.values_list(*names).iterator(20_000)
            users, items, types = [], [], []
            for user, item, type_ in rows:
                users.append(user)
                items.append(item)
                types.append(EVENT_WEIGHTS[type_])
            columns = np.array(users), np.array(items), np.array(types, dtype=np.float32)
        server = connection.connection.info.backend_pid
    user, item, weight = columns
    matrix = scipy.sparse.coo_array((weight, (user, item))).tocsr()
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    busy = time.process_time() - started + processor_seconds(server)
    print(f"{seconds:.2f} {busy:.2f} {peak:.0f} {matrix.nnz}")


if __name__ == "__main__":
    read(*sys.argv[1:]) if len(sys.argv) > 1 else main()
