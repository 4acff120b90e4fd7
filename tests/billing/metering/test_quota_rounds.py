"""Many processes and one limit: with the real Valkey, and without."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis
from ulid import ULID

from billing.metering.quota import Quota, Quotas
from billing.metering.quota_rounds import QuotaRounds
from billing.metering.record import UsageFlag
from billing.metering.shipper import Shipper
from billing.metering.usage_log import UsageLog
from tests.chaos.processes import run_together

# A process with 16 threads that take what they can until all is gone; prints how much it got.
TAKER = """
import sys, threading, time
from billing.metering.quota import Quota, Quotas
from billing.metering.quota_rounds import QuotaRounds

quota = Quota(*(int(each) for each in sys.argv[1:5]))
quotas = Quotas()
rounds = QuotaRounds(quotas, redis_url=sys.argv[5], database_url=sys.argv[6])
rounds.start()
taken = [0] * 16

def take(place):
    while not quotas.is_exhausted(quota):
        got = quotas.take(quota, 1 + place % 3)
        if got == 0:
            rounds.next_round().result()
        taken[place] += got

threads = [threading.Thread(target=take, args=(place,)) for place in range(16)]
print("ready", flush=True)
sys.stdin.readline()
for each in threads:
    each.start()
for each in threads:
    each.join()
rounds.stop()
print(sum(taken))
"""


@pytest.fixture
def counters(migrated: None) -> Iterator[redis.Redis]:
    with closing(redis.Redis.from_url(os.environ["REDIS_URL"])) as client:
        client.delete(*client.keys("sw:9999*:quota:*") or ["none"])
        yield client
        client.delete(*client.keys("sw:9999*:quota:*") or ["none"])


def make_quota(limit: int | None = 100, environment_id: int = 9999) -> Quota:
    now = int(time.time())
    return Quota(environment_id, now - now % 3600, now + 7_200, limit)


MakeRounds = Callable[..., QuotaRounds]


@pytest.fixture
def make_rounds() -> Iterator[MakeRounds]:
    """Rounds that a test runs itself, one by one."""
    made: list[QuotaRounds] = []

    def make(quotas: Quotas, **urls: Any) -> QuotaRounds:
        here = {"redis_url": os.environ["REDIS_URL"], "database_url": os.environ["DATABASE_URL"]}
        made.append(QuotaRounds(quotas, **{**here, **urls}))
        return made[-1]

    yield make
    for rounds in made:
        rounds.stop()


def take_all(quotas: Quotas, rounds: QuotaRounds, quota: Quota) -> int:
    taken = 0
    for _ in range(1_000):
        taken += quotas.take(quota, 1)
        if quotas.is_exhausted(quota):
            return taken
        rounds.run_round()
    raise AssertionError("It never ends.")


def test_four_processes_with_sixteen_threads_each_take_exactly_the_limit(
    counters: redis.Redis,
) -> None:
    quota = make_quota(limit=5_003)
    arguments = [*(str(each) for each in quota), os.environ["REDIS_URL"]]
    taken = run_together(TAKER, *arguments, os.environ["DATABASE_URL"], processes=4)

    assert sum(int(each) for each in taken) == 5_003


def test_two_accounts_share_a_limit_to_the_last_call(
    counters: redis.Redis, make_rounds: MakeRounds
) -> None:
    quota = make_quota()
    first, second = Quotas(), Quotas()
    first_rounds, second_rounds = make_rounds(first), make_rounds(second)
    first.take(quota, 1)
    first_rounds.run_round()
    kept = first.take(quota, 5)

    taken = 0
    while not second.is_exhausted(quota):
        taken += second.take(quota, 1)
        second_rounds.run_round()
        first_rounds.run_round()

    assert kept + taken == 100
    assert first.take(quota, 1) == 0


def test_what_was_given_back_is_there_for_others(
    counters: redis.Redis, make_rounds: MakeRounds
) -> None:
    quota = make_quota(limit=20)
    first, second = Quotas(), Quotas()
    rounds = make_rounds(first)
    assert take_all(first, rounds, quota) == 20

    first.give_back(quota, 3)
    rounds.run_round()
    rounds.run_round()

    assert take_all(second, make_rounds(second), quota) == 3


def test_a_stopped_process_leaves_nothing_behind(
    counters: redis.Redis, make_rounds: MakeRounds
) -> None:
    quota = make_quota(limit=20)
    quotas, others = Quotas(), Quotas()
    rounds = make_rounds(quotas)
    rounds.start()
    quotas.take(quota, 1)
    rounds.next_round().result(timeout=30)
    assert quotas.take(quota, 2) == 2
    rounds.stop()

    assert take_all(others, make_rounds(others), quota) == 18


def record(quota: Quota, log: UsageLog, count: int, *, after_ms: int) -> None:
    at_ms = time.time_ns() // 1_000_000 + after_ms
    for _ in range(count):
        assert log.append(
            call_id=bytes(ULID.from_timestamp(at_ms / 1000)),
            environment_id=quota.environment_id,
            units=1,
            operation=1,
            flags=UsageFlag.BILLABLE,
            at_ms=at_ms,
        )


Kill = Callable[[Quota], int]


@pytest.fixture
def log(tmp_path: Path) -> Iterator[UsageLog]:
    """Where the process that dies has kept ten calls before its last report."""
    log = UsageLog(tmp_path, "host")
    yield log
    log.close()


@pytest.fixture
def kill(
    counters: redis.Redis,
    log: UsageLog,
    make_rounds: MakeRounds,
    monkeypatch: pytest.MonkeyPatch,
) -> Kill:
    """Let a process report ten calls, then take and keep some more, and die with the rest."""

    def lost_by_the_dead(quota: Quota) -> int:
        killed = Quotas()
        rounds = make_rounds(killed, log_name=lambda: log.name)
        killed.take(quota, 10)
        rounds.run_round()
        assert killed.take(quota, 10) == 10
        record(quota, log, 10, after_ms=-1_000)
        with monkeypatch.context() as patch:
            patch.setattr("billing.metering.quota_rounds.LEASE_SECONDS", -1)
            rounds.run_round()
        lost = killed.take(quota, 100) - 1
        record(quota, log, lost, after_ms=1_000)
        # Else it would say farewell.
        monkeypatch.setattr(rounds, "run_round", lambda **_: None)
        return lost

    return lost_by_the_dead


def test_the_last_calls_of_a_killed_process_count_to_the_limit(
    kill: Kill, shipper: Shipper, make_rounds: MakeRounds
) -> None:
    quota = make_quota(limit=100)
    lost = kill(quota)
    shipper.ship_all()
    others = Quotas()

    assert lost > 0
    assert take_all(others, make_rounds(others), quota) == 100 - 10 - lost


def test_what_a_killed_process_held_waits_for_the_ledgers_word(
    kill: Kill, make_rounds: MakeRounds
) -> None:
    quota = make_quota(limit=100)
    lost = kill(quota)
    others = Quotas()
    rounds = make_rounds(others, database_url="postgresql://127.0.0.1:1/x")
    asked: list[Any] = []
    connected = rounds._connected

    def noting() -> Any:
        asked.append(1)
        return connected()

    rounds._connected = noting  # type: ignore[method-assign]
    # The counter is there; only the ledger is away.
    taken = 0
    for _ in range(200):
        taken += others.take(quota, 1)
        rounds.run_round()

    assert taken == 100 - 10 - lost - 1
    assert not others.is_exhausted(quota)
    # Asking in vain is slow, so it is not done at each round.
    assert len(asked) == 1


def test_what_a_killed_process_never_answered_is_free_again(
    kill: Kill, make_rounds: MakeRounds
) -> None:
    quota = make_quota(limit=100)
    kill(quota)
    others = Quotas()

    # Its log was never shipped: the ledger knows of no calls.
    assert take_all(others, make_rounds(others), quota) == 90


def test_two_that_find_the_same_dead_count_its_calls_once(
    kill: Kill, shipper: Shipper, make_rounds: MakeRounds
) -> None:
    quota = make_quota(limit=100)
    lost = kill(quota)
    shipper.ship_all()
    both = [(quotas, make_rounds(quotas)) for quotas in (Quotas(), Quotas())]
    for quotas, rounds in both * 3:
        quotas.take(quota, 1)
        rounds.run_round()
    for quotas, rounds in both:
        rounds.run_round(is_last=True)
        assert quotas.take(quota, 1) == 0
    used = counters_used(quota)

    assert used == 10 + lost + 4


def counters_used(quota: Quota) -> int:
    with closing(redis.Redis.from_url(os.environ["REDIS_URL"])) as client:
        key = f"sw:{quota.environment_id}:quota:{quota.period_start}"
        return int(str(client.hget(key, "used"), "ascii"))  # type: ignore[arg-type]


def test_a_lost_answer_counts_nothing_twice(
    counters: redis.Redis, make_rounds: MakeRounds, monkeypatch: pytest.MonkeyPatch
) -> None:
    quota = make_quota(limit=20)
    quotas, others = Quotas(), Quotas()
    rounds = make_rounds(quotas)
    quotas.take(quota, 1)
    rounds.run_round()
    assert quotas.take(quota, 2) == 2
    with monkeypatch.context() as patch:
        patch.setattr(quotas, "settle", lambda *_: None)
        rounds.run_round()
    for _ in range(2):
        rounds.run_round()
    rounds.run_round(is_last=True)

    assert take_all(others, make_rounds(others), quota) == 18


Ship = Callable[[Quota, int], None]


@pytest.fixture
def ship(migrated: None) -> Iterator[Ship]:
    """Let the ledger's buckets say what was used."""
    with psycopg.connect(os.environ["DATABASE_OWNER_URL"], autocommit=True) as owner:

        def set_bucket(quota: Quota, units: int) -> None:
            owner.execute(
                "INSERT INTO billing_usagebucket (environment_id, hour, operation, calls, units)"
                " VALUES (%s, to_timestamp(%s), 1, 90, %s) ON CONFLICT"
                " (environment_id, hour, operation) DO UPDATE SET units = excluded.units",
                (quota.environment_id, quota.period_start, units),
            )

        yield set_bucket
        owner.execute("DELETE FROM billing_usagebucket WHERE environment_id = 9999")


def test_a_counter_begins_with_what_the_ledger_has_of_the_period(
    counters: redis.Redis, make_rounds: MakeRounds, ship: Ship
) -> None:
    quota = make_quota(limit=100)
    ship(quota, 88)
    ship(quota._replace(period_start=quota.period_start - 3600), 5)
    quotas = Quotas()

    assert take_all(quotas, make_rounds(quotas), quota) == 12


def test_a_lost_counter_is_rebuilt_from_the_ledger_and_counts_nothing_twice(
    counters: redis.Redis, make_rounds: MakeRounds, ship: Ship
) -> None:
    quota = make_quota(limit=1_000)
    ship(quota, 88)
    first, second = Quotas(), Quotas()
    both = [(first, make_rounds(first)), (second, make_rounds(second))]
    for quotas, rounds in both:
        quotas.take(quota, 1)
        rounds.run_round()
        assert quotas.take(quota, 5) == 5
    # The ledger has all ten by the time the counter is lost; neither has reported them.
    ship(quota, 98)
    counters.delete(*counters.keys("sw:9999*:quota:*"))
    for _, rounds in both * 2:
        rounds.run_round()

    assert (first.used(quota), second.used(quota)) == (98, 98)
    assert first.take(quota, 3) == 3
    both[0][1].run_round()
    assert first.used(quota) == 101


def test_without_valkey_calls_go_on(migrated: None, make_rounds: MakeRounds) -> None:
    quota = make_quota()
    quotas = Quotas()
    rounds = make_rounds(quotas, redis_url="redis://127.0.0.1:1/0")
    quotas.take(quota, 1)
    rounds.run_round()

    assert quotas.take(quota, 30) == 30
    rounds.run_round()
    assert quotas.take(quota, 100) == 70


def test_without_valkey_and_postgresql_they_go_on_too(make_rounds: MakeRounds) -> None:
    quota = make_quota()
    quotas = Quotas()
    rounds = make_rounds(
        quotas, redis_url="redis://127.0.0.1:1/0", database_url="postgresql://127.0.0.1:1/x"
    )
    quotas.take(quota, 1)
    rounds.run_round()

    assert quotas.take(quota, 30) == 30


def test_all_stores_share_one_round_trip(
    counters: redis.Redis, make_rounds: MakeRounds, monkeypatch: pytest.MonkeyPatch
) -> None:
    quotas = Quotas()
    rounds = make_rounds(quotas)
    stores = [make_quota(environment_id=99990 + number) for number in range(8)]
    for quota in stores:
        quotas.take(quota, 1)
    rounds.run_round()
    trips: list[Any] = []
    send = redis.connection.Connection.send_packed_command

    def counted(self: Any, command: Any, **options: Any) -> None:
        trips.append(command)
        send(self, command, **options)  # type: ignore[no-untyped-call]

    monkeypatch.setattr(redis.connection.Connection, "send_packed_command", counted)
    for quota in stores:
        assert quotas.take(quota, 1) == 1
    rounds.run_round()

    assert len(trips) == 1
