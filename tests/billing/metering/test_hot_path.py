"""What each call pays for being counted: memory and one write, whatever else is away."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis.connection

from billing.metering.quota import Quota, Quotas, Reply
from billing.metering.usage_log import UsageLog
from saas.lib.plan_rates import PlanRate, PlanRates

QUOTA = Quota(environment_id=7, period_start=1_000, period_end=2_000, limit=1_000_000)


def refuse(*_: Any, **__: Any) -> None:
    raise AssertionError("The hot path reached out.")


@pytest.mark.parametrize("limit", [1_000_000, None])
def test_a_call_is_admitted_and_recorded_without_socket_and_without_sql(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, limit: int | None
) -> None:
    """I9."""
    quota = QUOTA._replace(limit=limit)
    quotas = Quotas()
    quotas.take(quota, 1)
    quotas.settle(quotas.messages(), [Reply("e", used=0, granted=2_000, free=900_000)])
    rates, rate = PlanRates("recommend", clock=lambda: 0.0), PlanRate(2_000, 4_000)
    rates.question("t-1", rate)
    rates.learn("t-1", rate, [1_001, 2_999, 500_000])
    log = UsageLog(tmp_path, "host-1")
    for owner, name in (
        (socket.socket, "connect"),
        (psycopg, "connect"),
        (psycopg.Connection, "execute"),
        (psycopg.Cursor, "execute"),
        (redis.connection.Connection, "send_packed_command"),
    ):
        monkeypatch.setattr(owner, name, refuse)

    for number in range(1_000):
        assert rates.take("t-1", rate) is not None
        assert quotas.take(quota, 1) == 1
        assert log.append(
            call_id=number.to_bytes(16, "big"),
            environment_id=7,
            units=1,
            operation=1,
            flags=1,
            at_ms=1,
        )
    log.close()

    assert sum(each.stat().st_size for each in tmp_path.iterdir()) == 1_000 * 64
