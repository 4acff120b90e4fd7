"""Measures imports of events and items end to end, beside Django's bulk_create in one run.

Run: python deploy/benchmarks/bench_imports.py [rows]

Each import runs in a process of its own, as in a worker's child, which then tells its peak of
resident memory. The baseline parses the same file with the csv module alone and writes without
aliases, links of identities, order lines, conflicts or progress.
"""

from __future__ import annotations

import csv
import multiprocessing
import os
import resource
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import islice
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from deploy.benchmarks.on_servers import manage, servers  # noqa: E402

ROWS = 200_000
ITEMS = 20_000
SHOPPERS = 30_000
BASELINE_BATCH = 1_000
# What a machine with two idle cores is to reach, PostgreSQL on it as well.
ROWS_PER_SECOND = {"items": 10_000, "events": 30_000}
MEGABYTES = 300
START = datetime(2025, 1, 1, tzinfo=UTC)


def main() -> None:
    """Import and bulk_create on a server of its own, and print both with their ratio."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    with servers() as environment:
        manage(environment, "tenant_create", "Bench", "--plan=enterprise")
        os.environ.update(environment)
        compare(Path(environment["SHELFWISE_ARTIFACTS"]), rows=rows)


def compare(folder: Path, *, rows: int) -> None:
    """Time both ways for each kind of file."""
    print(f"{rows:,} rows              rows/s   CPU s of 100,000   peak RSS")
    folder.mkdir(exist_ok=True)
    for kind, write in (("items", write_items_file), ("events", write_events_file)):
        path = folder / f"{kind}.csv"
        write(path, rows)
        # The baseline into the test environment, the import into the live one.
        slow = alone(baseline, kind, path)
        quick = alone(imported, kind, path)
        for name, (seconds, cpu, megabytes) in (("bulk_create", slow), ("import", quick)):
            per_100_000 = cpu * 100_000 / rows
            print(
                f"  {kind:<8}{name:<14}{rows / seconds:10,.0f}{per_100_000:12.2f}"
                f"{megabytes:14.0f} MB"
            )
        print(
            f"  {kind}: an import is {slow[0] / quick[0]:.2f} times as fast; asked for are "
            f"{ROWS_PER_SECOND[kind]:,} rows/s and {MEGABYTES} MB"
        )


def alone(act: Callable[[str, Path], float], kind: str, path: Path) -> tuple[float, float, float]:
    """Return the seconds of an act in a new process, and that process's CPU and peak of memory."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return pool.apply(measured, (act, kind, path))


def measured(
    act: Callable[[str, Path], float], kind: str, path: Path
) -> tuple[float, float, float]:
    """Run the act here; PostgreSQL's CPU is its own."""
    import django

    django.setup()
    import engine.tasks  # noqa: F401  # a worker has loaded it long before

    before = time.process_time()
    seconds = act(kind, path)
    cpu = time.process_time() - before
    return seconds, cpu, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def imported(kind: str, path: Path) -> float:
    """Import the file as a worker does, and return the seconds."""
    from engine import tasks
    from engine.models.imports import Import
    from engine.services.import_uploads import Upload
    from engine.services.start_import import start_import
    from tenants.context import in_environment, on_platform
    from tenants.models.environment import Environment
    from tenants.models.job import Job

    with on_platform():
        environment = Environment.objects.select_related("tenant").get(kind="live")
    with Upload(environment_id=environment.pk) as upload:
        with path.open("rb") as file:
            while data := file.read(1024 * 1024):
                upload.write(data)
        upload.finish()
        upload.keep()
    with in_environment(environment):
        start_import(
            environment=environment,
            import_id=upload.import_id,
            kind=kind,
            file_format="auto",
            mode="incremental",
            is_dry_run=False,
            time_zone=None,
            mapping={},
        )
    with on_platform():
        job_id = Job.objects.latest("pk").pk
    started = time.perf_counter()
    tasks.run_import(job_id=job_id, environment_id=environment.pk)
    seconds = time.perf_counter() - started
    with in_environment(environment):
        row = Import.objects.get(pk=upload.import_id)
    if (row.status, row.accepted) != ("completed", row.rows_read):
        raise SystemExit(f"The import went wrong: {row} {row.error} {row.errors_by_code}")
    return seconds


def baseline(kind: str, path: Path) -> float:
    """Write the file with bulk_create in batches, and return the seconds."""
    from tenants.context import in_environment, on_platform
    from tenants.models.environment import Environment

    with on_platform():
        environment = Environment.objects.get(kind="test")
    create = {"items": create_items, "events": create_events}[kind]
    started = time.perf_counter()
    with path.open() as file:
        reader = csv.DictReader(file)
        while batch := list(islice(reader, BASELINE_BATCH)):
            with in_environment(environment):
                create(batch)
    return time.perf_counter() - started


def create_items(batch: list[dict[str, str]]) -> None:
    """Write a batch of items as Django does it."""
    from engine.models.item import Item

    Item.objects.bulk_create(
        (
            Item(
                item_id=row["id"],
                title=row["title"],
                brand=row["brand"],
                categories=row["categories"].split("|"),
                price=Decimal(row["price"]),
                currency=row["currency"],
                created_at=START,
                updated_at=START,
                change_seq=1,
            )
            for row in batch
        ),
        ignore_conflicts=True,
    )


def create_events(batch: list[dict[str, str]]) -> None:
    """Write a batch of events as Django does it, with what they point at."""
    import uuid

    from engine.models.event import Event
    from engine.models.item import ItemRef
    from engine.models.shopper import Shopper

    users = {row["user_id"] for row in batch}
    refs = {row["item_id"] for row in batch}
    Shopper.objects.bulk_create(
        (
            Shopper(kind="user", external_id=each, created_at=START, updated_at=START, change_seq=0)
            for each in users
        ),
        ignore_conflicts=True,
    )
    ItemRef.objects.bulk_create((ItemRef(ref=each) for each in refs), ignore_conflicts=True)
    known = Shopper.objects.filter(kind="user", external_id__in=users)
    user_ids = dict(known.values_list("external_id", "pk"))
    ref_ids = dict(ItemRef.objects.filter(ref__in=refs).values_list("ref", "pk"))
    Event.objects.bulk_create(
        (
            Event(
                event_key=uuid.uuid5(uuid.NAMESPACE_OID, ",".join(row.values())),
                line=0,
                content_digest=b"0" * 16,
                source="import",
                type=row["type"],
                occurred_at=datetime.fromisoformat(row["ts"]),
                received_at=START,
                user_id=user_ids[row["user_id"]],
                item_ref_id=ref_ids[row["item_id"]],
            )
            for row in batch
        ),
        ignore_conflicts=True,
    )


def write_items_file(path: Path, rows: int) -> None:
    """Write a catalogue of so many items."""
    lines = (
        f"sku-{n},Lamp number {n},Brand {n % 50},Home > Light|Sale,{n % 90 + 9}.90,EUR\n"
        for n in range(rows)
    )
    write_file(path, "id,title,brand,categories,price,currency\n", lines)


def write_events_file(path: Path, rows: int) -> None:
    """Write so many views and purchases, in the order of time."""
    lines = (
        f"{'cart' if n % 9 == 0 else 'view'},user-{n * 7919 % SHOPPERS},sku-{n * 104729 % ITEMS},"
        f"{(START + timedelta(seconds=n)).isoformat()}\n"
        for n in range(rows)
    )
    write_file(path, "type,user_id,item_id,ts\n", lines)


def write_file(path: Path, header: str, lines: Iterator[str]) -> None:
    """Write a file line by line."""
    with path.open("w") as file:
        file.write(header)
        file.writelines(lines)


if __name__ == "__main__":
    main()
