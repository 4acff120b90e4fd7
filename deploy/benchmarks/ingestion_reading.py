"""Measures reading a store's events into a training matrix beside values_list().iterator().

Each way runs in a process of its own (this file with the way's name), which reports its memory.
`packed` reads what the baseline reads; `training` reads all that a training learns from: whose
events they are by now, what was given back, the catalogue and the shoppers' names.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from typing import Any

EVENTS = int(os.environ.get("BENCH_EVENTS", "5000000"))
WAYS = ("values_list", "packed", "training")
# A year and a half of a busy store: most look, some buy, two in five are known by name.
STATEMENTS = (
    """
    INSERT INTO engine_item (item_id, title, categories, brand, price, in_stock, recommendable,
        aliases, attributes, created_at, updated_at, change_seq)
    SELECT 'sku-' || n, 'Item ' || n, ARRAY['Home > Kitchen'], 'brand-' || n % 50, n % 97, true,
        true, '{}', '{"colour": "red"}', now(), now(), 1
    FROM generate_series(1, 20000) AS n
    """,
    "INSERT INTO engine_itemref (ref, item_id) SELECT item_id, id FROM engine_item ORDER BY id",
    """
    INSERT INTO engine_shopper (kind, external_id, attributes, personalise, created_at, updated_at,
        change_seq)
    SELECT CASE WHEN n <= 200000 THEN 'user' ELSE 'anonymous' END, 'shopper-' || n, '{}', true,
        now(), now(), 0
    FROM generate_series(1, 500000) AS n
    """,
    """
    INSERT INTO engine_identitylink (anonymous_id, user_id, valid_from)
    SELECT n, n - 200000, now() - interval '100 days' FROM generate_series(200001, 260000) AS n
    """,
    """
    INSERT INTO engine_event (event_key, line, content_digest, source, type, occurred_at,
        received_at, user_id, anonymous_id, session_id, item_ref_id, quantity, price, currency,
        order_id)
    SELECT gen_random_uuid(), 0, decode(md5(n::text), 'hex'), 'server',
        CASE WHEN kind < 0.7 THEN 'view' WHEN kind < 0.78 THEN 'impression'
             WHEN kind < 0.88 THEN 'cart' WHEN kind < 0.995 THEN 'purchase' ELSE 'refund' END,
        now() - (:events - n) * interval '10 seconds', now(),
        CASE WHEN who < 0.4 THEN 1 + (power(random(), 2) * 199999)::int END,
        CASE WHEN who BETWEEN 0.35 AND 0.98 THEN 200001 + (power(random(), 2) * 299999)::int END,
        CASE WHEN random() < 0.7 THEN 's-' || (random() * 1500000)::int END,
        1 + (power(random(), 3) * 19999)::int,
        CASE WHEN kind > 0.78 THEN 1 + (random() * 3)::int END,
        CASE WHEN kind > 0.78 THEN (random() * 100)::numeric(14, 4) END,
        CASE WHEN kind > 0.78 THEN 'EUR' END,
        CASE WHEN kind > 0.88 THEN 'order-' || n / 30 END
    FROM (SELECT n, random() AS kind, random() AS who FROM generate_series(1, :events) AS n) AS line
    """,
    "VACUUM ANALYZE",
)
INDEXES = """
    SELECT indexrelid::regclass::text FROM pg_index
    WHERE indrelid = 'engine_event'::regclass AND NOT indisunique
"""


def main() -> None:
    """Fill a store, then read it each way."""
    from deploy.benchmarks.ingestion_store import make_store

    live, _ = make_store()
    fill(live)
    print(f"{EVENTS:,} events into a matrix   seconds    ours   PostgreSQL's   peak MB")
    taken = []
    for way in WAYS:
        run = subprocess.run(
            [sys.executable, __file__, way, live.schema_name],
            check=True,
            capture_output=True,
            text=True,
        )
        seconds, ours, servers, megabytes, lines, _ = run.stdout.split()
        taken.append(float(ours) + float(servers))
        print(f"  {way:26}{seconds:>8} s{ours:>7} s{servers:>13} s{megabytes:>10}   {lines} lines")
    print(f"  packed {taken[0] / taken[1]:.1f} times the baseline, by processor time")


def fill(live: Any) -> None:
    """Put events into the store's table, without the indexes that no reading uses."""
    import psycopg

    with psycopg.connect(os.environ["DATABASE_OWNER_URL"], autocommit=True) as connection:
        connection.execute(f'SET search_path = "{live.schema_name}"')
        for (index,) in connection.execute(INDEXES).fetchall():
            connection.execute(f"DROP INDEX {index}")
        connection.execute("ALTER TABLE engine_event DROP CONSTRAINT event_line_once")
        for statement in STATEMENTS:
            connection.execute(statement.replace(":events", str(EVENTS)))


def read(way: str, schema_name: str) -> None:
    """Read the matrix one way and print what it took, its lines and its entries."""
    import django

    django.setup()
    from django.db import connection

    from deploy.benchmarks.ingestion_store import family_seconds, parent
    from tenants.context import in_environment, on_platform
    from tenants.models.environment import Environment

    with on_platform():
        live = Environment.objects.get(schema_name=schema_name)
        server = parent(connection.connection.info.backend_pid)
    began, started, servers = time.perf_counter(), time.process_time(), family_seconds(server)
    with in_environment(live):
        users, items, weights = {"packed": _packed, "training": _training}.get(way, _baseline)()
    import scipy.sparse

    entries = scipy.sparse.coo_array((weights, (users, items))).tocsr().nnz
    seconds = time.perf_counter() - began
    ours, servers = time.process_time() - started, family_seconds(server) - servers
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{seconds:.2f} {ours:.2f} {servers:.2f} {peak:.0f} {len(users)} {entries}")


def _packed() -> tuple[Any, Any, Any]:
    import numpy as np

    from engine.core.dataset import EVENT_WEIGHTS
    from engine.selectors.packed_events import packed_events

    events = packed_events()
    weights = np.array(list(EVENT_WEIGHTS.values()), dtype=np.float32)
    return events.shopper, events.item_ref, weights[events.type_index]


def _training() -> tuple[Any, Any, Any]:
    from engine.selectors.training_data import training_data

    lines = training_data().dataset.interactions
    return lines.user_index, lines.item_index, lines.weight


def _baseline() -> tuple[Any, Any, Any]:
    import numpy as np

    from engine.core.dataset import EVENT_WEIGHTS
    from engine.models.event import Event

    users, items, weights = [], [], []
    names = ("user_id", "anonymous_id", "item_ref_id", "type")
    rows = Event.objects.exclude(type="impression").values_list(*names)
    for user, visitor, item, type_ in rows.iterator(20_000):
        users.append(user or visitor or 0)
        items.append(item)
        weights.append(EVENT_WEIGHTS[type_])
    return np.array(users), np.array(items), np.array(weights, dtype=np.float32)


if __name__ == "__main__":
    read(*sys.argv[1:]) if len(sys.argv) > 1 else main()
