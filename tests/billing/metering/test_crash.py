"""Kills writers and shippers for real: what was acknowledged is charged, and charged once."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from billing.metering.shipper import Shipper
from tests.chaos.processes import wait_for

# Keeps calls, and notes each one that was acknowledged, until it is killed.
WRITER = """
import os, sys, time
from pathlib import Path
from ulid import ULID
from billing.metering.usage_log import UsageLog

log = UsageLog(Path(sys.argv[1]), "host-1")
notes = os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
number = 0
while True:
    number += 1
    call_id = bytes(ULID())
    is_kept = log.append(call_id=call_id, environment_id=number % 3, units=number % 5, operation=1,
                         flags=number % 2, at_ms=int.from_bytes(call_id[:6]))
    if is_kept:
        os.write(notes, call_id)
    time.sleep(0.0002)
"""

# Starts a shipper and kills it, again and again: half of them at a chosen step, half at any time.
KILLER = """
import os, random, signal, sys, threading, time
from pathlib import Path
from billing.metering import ledger, log_folder, shipper

ledger.BATCH_BYTES = 100 * 64
shipper.POLL_SECONDS = 0.01
chance = random.Random(int(sys.argv[3]))
STEPS = [(ledger.Ledger, "_lock_source"), (ledger.Ledger, "_add_calls"),
         (ledger.Ledger, "_move_offset"), (ledger.Ledger, "ship_next"), (log_folder, "put_away")]
DIED = os.WEXITED | os.WNOHANG | os.WNOWAIT

def die_at(owner, name, is_before, lives):
    step = getattr(owner, name)
    def mortal(*args, **kwargs):
        nonlocal lives
        lives -= 1
        if is_before and lives == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        result = step(*args, **kwargs)
        if lives == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return result
    setattr(owner, name, mortal)

for attempt in range(int(sys.argv[4])):
    lives = chance.randint(1, 3)
    delay = 0.4 if attempt % 2 else chance.uniform(0.03, 0.2)
    child = os.fork()
    if child == 0:
        if attempt % 2:
            point = attempt // 2
            die_at(*STEPS[point % len(STEPS)], point // len(STEPS) % 2 == 0, lives)
        shipper.Shipper(folder=Path(sys.argv[1]), database_url=sys.argv[2]).run(threading.Event())
    end = time.monotonic() + delay
    while time.monotonic() < end and os.waitid(os.P_PID, child, DIED) is None:
        time.sleep(0.005)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
"""
# Two sides of each step, and as many at any time.
KILLS = 2 * 2 * 5
# What each writer has had acknowledged before it is killed, at the least.
NOTED_CALLS = 100


def run(script: str, *arguments: object) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-W", "ignore", "-c", script, *map(str, arguments)])


def size_of(notes: Path) -> int:
    return notes.stat().st_size if notes.exists() else 0


def has_noted_more(notes: Path, size: int) -> bool:
    return size_of(notes) > size + 16 * NOTED_CALLS


def test_kill_9_of_writers_and_shippers_loses_nothing_and_doubles_nothing(
    usage_database: Any, tmp_path: Path
) -> None:
    """I1, I2 and I4."""
    folder, notes = tmp_path / "usage", tmp_path / "acknowledged"
    killer = run(KILLER, folder, usage_database.app_url, time.time_ns(), KILLS)
    writers = 0
    while killer.poll() is None:
        writer = run(WRITER, folder, notes)
        writers += 1
        try:
            wait_for("the writer to be at work", partial(has_noted_more, notes, size_of(notes)))
            with suppress(subprocess.TimeoutExpired):
                killer.wait(timeout=0.3)
        finally:
            writer.kill()
            writer.wait()
    assert killer.returncode == 0
    survivor = Shipper(folder=folder, database_url=usage_database.app_url)
    survivor.ship_all()
    survivor.close()

    ids = notes.read_bytes()
    acknowledged = {ids[start : start + 16] for start in range(0, len(ids), 16)}
    ledger = {
        row[0].bytes for row in usage_database.rows("SELECT call_id FROM billing_usageledger")
    }
    assert len(acknowledged) > NOTED_CALLS
    assert acknowledged <= ledger
    # A writer killed between its write and its note.
    assert len(ledger - acknowledged) <= writers
    assert (
        usage_database.rows(
            "SELECT environment_id, date_trunc('hour', at, 'UTC'), operation, count(*),"
            " sum(units * (flags & 1)) FROM billing_usageledger GROUP BY 1, 2, 3"
            " EXCEPT SELECT environment_id, hour, operation, calls, units FROM billing_usagebucket"
        )
        == []
    )
    assert usage_database.rows("SELECT sum(calls)::int FROM billing_usagebucket") == [
        (len(ledger),)
    ]
    # Each log is put away, and its offset is the bytes it holds.
    sizes = {path.name.removesuffix(".shipped"): path.stat().st_size for path in folder.iterdir()}
    assert usage_database.offsets() == sizes
    assert sum(sizes.values()) == len(ledger) * 64
