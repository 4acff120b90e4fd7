"""Plans' rates whose clock stands, so that a slow machine earns no calls while it makes others."""

from __future__ import annotations

import os
from contextlib import closing

import pytest
import redis

from saas.lib import plan_rates


def stop_rates(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have Redis count as if no time passed, from nothing on."""
    stopped = plan_rates._TAKE.replace("at[1] * 1000000 + at[2]", "1").replace(
        "math.ceil((done - now) / 1000) + 1", "60000"
    )
    monkeypatch.setattr(plan_rates, "_TAKE", stopped)
    forget_rates()


def forget_rates() -> None:
    """Let every store begin with its whole burst."""
    with closing(redis.Redis.from_url(os.environ["REDIS_URL"])) as client:
        for name in client.scan_iter("sw:tenant:*:rate:*"):
            client.delete(name)
