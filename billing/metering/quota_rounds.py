"""Keeps a process's quota accounts in step with the counters in Valkey, all in one round trip.

The counters are disposable: they are rebuilt from the ledger's buckets and never billed from. With
Valkey away each process goes on with what it knew last.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from typing import Any

import psycopg
import structlog
from redis import Redis
from redis.exceptions import NoScriptError, RedisError

from billing.metering import metrics
from billing.metering.quota import Dead, Message, Quota, Quotas, Reply
from billing.metering.quota_ledger import lost_units, used_units
from saas.lib.ids import new_ulid
from saas.lib.postgres import connect_for_long
from saas.lib.redis_client import client_of

ROUND_SECONDS = 0.25
# A process that has said nothing for so long is dead, and what it recorded is in the ledger.
LEASE_SECONDS = 60
# Asking the ledger in vain keeps leases from being refilled.
LEDGER_REST_SECONDS = 30.0
# For whoever reports late of a period that is over.
KEPT_SECONDS = 24 * 3600

# One hash for a store's period: what is used, the epoch of the counter, and for each process
# "total held ends at log". All processes together: used + held <= limit. A dead process's lease
# stays held until somebody brings what its log had beyond its last report: ARGV[13].
_ROUND = """
local key, me, epoch = KEYS[1], ARGV[1], ARGV[2]
local total, kept, wanted = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local known = redis.call('HGET', key, 'epoch')
if not known then
    if ARGV[8] == '' then return false end
    known = ARGV[9]
    redis.call('HSET', key, 'epoch', known, 'used', ARGV[8])
    redis.call('EXPIREAT', key, ARGV[10])
end
local now = tonumber(redis.call('TIME')[1])
local used, others, reported, added = 0, 0, tonumber(ARGV[3]), 0
local lost, dead = {}, {}
for name, units in string.gmatch(ARGV[13], '(%w+) (%d+)') do lost[name] = tonumber(units) end
local fields = redis.call('HGETALL', key)
for i = 1, #fields, 2 do
    local name, value = fields[i], fields[i + 1]
    if name == 'used' then
        used = tonumber(value)
    elseif name ~= 'epoch' then
        local its_total, held, ends, at, log =
            string.match(value, '^(%-?%d+) (%d+) (%d+) ?(%d*) ?(.*)$')
        if name == me then
            reported = tonumber(its_total)
        elseif tonumber(ends) >= now then
            others = others + tonumber(held)
        elseif lost[name] then
            added = added + math.min(lost[name], tonumber(held))
            redis.call('HDEL', key, name)
        else
            others = others + tonumber(held)
            dead[#dead + 1] = {name, at, log}
        end
    end
end
if epoch == known then used = used + total - reported end
used = used + added
redis.call('HSET', key, 'used', string.format('%.0f', used))
local granted, free = 0, 0
if ARGV[7] ~= '' then
    local limit = tonumber(ARGV[7])
    free = math.max(0, limit - used - others - kept)
    if free > 0 then
        local part = used * 20 >= limit * 19 and 8 or 4
        granted = math.min(wanted, free, math.max(tonumber(ARGV[12]), 1, math.floor(free / part)))
    end
end
if kept + granted > 0 then
    local ends = now + tonumber(ARGV[11])
    local field = string.format('%.0f %.0f %.0f ', total, kept + granted, ends)
    redis.call('HSET', key, me, field .. ARGV[14])
else
    redis.call('HDEL', key, me)
end
return {known, used, granted, free - granted, dead}
"""

_log = structlog.get_logger()


class QuotaRounds:
    """The thread that speaks with Valkey, and with PostgreSQL where a counter has to be rebuilt."""

    def __init__(
        self,
        quotas: Quotas,
        *,
        redis_url: str,
        database_url: str,
        log_name: Callable[[], str] = str,
    ) -> None:
        """Keep the accounts; `log_name` says where this process records its calls now."""
        self._quotas = quotas
        self._log_name = log_name
        self._redis: Redis = client_of(redis_url)
        self._database_url = database_url
        self._process = new_ulid()
        # When this round began, and the log by then.
        self._began = ""
        self._script = ""
        self._is_away = False
        # By store: what processes recorded and never reported before they died.
        self._lost: dict[Quota, dict[str, int]] = {}
        self._ledger_rests_until = 0.0
        self._waiting: list[Future[None]] = []
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin."""
        self._thread = threading.Thread(target=self._run, name="quota-rounds", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Report once more, and end."""
        self._stop.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()
        self._redis.connection_pool.disconnect()

    def next_round(self) -> Future[None]:
        """Return what is done with the end of a round that begins after this call."""
        done: Future[None] = Future()
        with self._lock:
            self._waiting.append(done)
        self._wake.set()
        return done

    def run_round(self, *, is_last: bool = False) -> None:
        """Report what was taken, and get leases for what is to come; the last one lets them go."""
        self._began = f"{time.time_ns() // 1_000_000} {self._log_name()}"
        messages = self._quotas.messages(is_last=is_last)
        if not messages:
            return
        try:
            replies = self._asked(messages)
        except (RedisError, psycopg.Error) as error:
            metrics.QUOTA_ROUNDS_FAILED.inc()
            if not self._is_away:
                _log.warning("quota_counters_away", error=str(error).partition("\n")[0])
            self._is_away = True
            self._quotas.go_on_blindly(self._used_so_far())
            return
        self._is_away = False
        self._quotas.settle(messages, replies)
        self._lost = self._lost_by_store(messages, replies)

    def _run(self) -> None:
        while not self._stop.is_set():
            self._wake.wait(ROUND_SECONDS)
            self._wake.clear()
            with self._lock:
                waiting, self._waiting = self._waiting, []
            try:
                self.run_round()
            except Exception:  # noqa: BLE001  # the thread's edge: leases must be refilled
                _log.exception("quota_round_failed")
            for done in waiting:
                if done.set_running_or_notify_cancel():
                    done.set_result(None)
        self.run_round(is_last=True)

    def _lost_by_store(
        self, messages: Sequence[Message], replies: Sequence[Reply]
    ) -> dict[Quota, dict[str, int]]:
        """Ask the ledger what dead processes recorded, for the next round to tell."""
        pairs = zip(messages, replies, strict=True)
        dead = {message.quota: reply.dead for message, reply in pairs if reply.dead}
        if not dead or time.monotonic() < self._ledger_rests_until:
            return {}
        try:
            with self._connected() as connection:
                return {
                    quota: {
                        each.process: lost_units(
                            connection, quota, each, within_seconds=2 * LEASE_SECONDS
                        )
                        for each in processes
                    }
                    for quota, processes in dead.items()
                }
        except psycopg.Error as error:
            _log.warning("ledger_away", error=str(error).partition("\n")[0])
            self._ledger_rests_until = time.monotonic() + LEDGER_REST_SECONDS
            return {}

    def _asked(self, messages: Sequence[Message]) -> list[Reply]:
        replies = self._sent([(each, "") for each in messages])
        lost = [place for place, reply in enumerate(replies) if reply is None]
        if lost:
            used = self._used([messages[place].quota for place in lost])
            rebuilt = self._sent(
                [(messages[place], str(used[messages[place].quota])) for place in lost]
            )
            for place, reply in zip(lost, rebuilt, strict=True):
                replies[place] = reply
            _log.info("quota_counters_begun", stores=len(lost))
        return [reply for reply in replies if reply is not None]

    def _sent(self, messages: Iterable[tuple[Message, str]]) -> list[Reply | None]:
        rows = [self._arguments(message, seed) for message, seed in messages]
        try:
            answers = self._pipelined(rows)
        except NoScriptError:
            self._script = ""
            answers = self._pipelined(rows)
        return [
            None
            if each is None
            else Reply(
                *(each[0].decode(), int(each[1]), each[2], each[3]),
                dead=tuple(
                    Dead(name.decode(), int(at or 0), log.decode()) for name, at, log in each[4]
                ),
            )
            for each in answers
        ]

    def _pipelined(self, rows: Iterable[tuple[Any, ...]]) -> list[Any]:
        if not self._script:
            self._script = str(self._redis.script_load(_ROUND))
        pipe = self._redis.pipeline(transaction=False)
        for row in rows:
            pipe.evalsha(self._script, 1, *row)
        return pipe.execute()

    def _arguments(self, message: Message, seed: str) -> tuple[Any, ...]:
        quota = message.quota
        return (
            f"sw:{quota.environment_id}:quota:{quota.period_start}",
            self._process,
            message.epoch,
            message.reported,
            message.total,
            message.kept,
            message.wanted,
            "" if quota.limit is None else quota.limit,
            seed,
            new_ulid(),
            quota.period_end + KEPT_SECONDS,
            LEASE_SECONDS,
            message.needed,
            " ".join(f"{name} {units}" for name, units in self._lost.get(quota, {}).items()),
            self._began,
        )

    def _used_so_far(self) -> dict[Quota, int]:
        unknown = self._quotas.unknown()
        try:
            return self._used(unknown) if unknown else {}
        except psycopg.Error:
            return {}

    def _used(self, quotas: Iterable[Quota]) -> dict[Quota, int]:
        with self._connected() as connection:
            return {quota: used_units(connection, quota) for quota in quotas}

    def _connected(self) -> psycopg.Connection[Any]:
        return connect_for_long(
            self._database_url,
            name="quotas",
            connect_timeout=2,
            options="-c statement_timeout=2s",
        )
