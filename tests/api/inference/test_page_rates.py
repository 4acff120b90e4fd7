"""Processes that count a page's calls together, on a real Valkey."""

from __future__ import annotations

import asyncio

import pytest

from api.inference.page_rates import PageRates
from api.inference.redis_pipe import RedisPipe
from saas.lib.config import config
from saas.lib.ids import new_ulid
from saas.lib.rate_limit import RateLimit
from tests.api.inference.conftest import PATIENCE_SECONDS

ACORN = 1


@pytest.fixture
def address() -> str:
    """A caller whom no other test has counted."""
    return new_ulid()


async def called(rate: RateLimit, rates: PageRates, address: str) -> bool:
    """Make a call as the edge does, and say whether it was let through."""
    if rate.take((ACORN, address)).retry_after is not None:
        return False
    await rates.learn(ACORN, address)
    return True


def test_an_address_has_one_rate_at_all_processes(address: str) -> None:
    async def run() -> list[bool]:
        own, other = (RateLimit(per_second=0.01, burst=4) for _ in range(2))
        redis = RedisPipe(config().redis_url, patience=PATIENCE_SECONDS)
        ways = [(own, PageRates(redis, own)), (other, PageRates(redis, other))]
        answers = [await called(*ways[call % 2], address) for call in range(8)]
        redis.drop()
        return answers

    # The fifth is let through by a process that has heard of the others' calls up to its own last.
    assert asyncio.run(run()) == [True] * 5 + [False] * 3


def test_other_addresses_and_other_stores_have_rates_of_their_own(address: str) -> None:
    async def run() -> None:
        rate = RateLimit(per_second=0.01, burst=1)
        redis = RedisPipe(config().redis_url, patience=PATIENCE_SECONDS)
        rates = PageRates(redis, rate)
        assert await called(rate, rates, address)
        assert not await called(rate, rates, address)
        assert await called(rate, rates, f"{address}-2")
        assert rate.take((ACORN + 1, address)).retry_after is None
        redis.drop()

    asyncio.run(run())


def test_without_redis_each_process_counts_for_itself(address: str) -> None:
    async def run() -> None:
        rate = RateLimit(per_second=0.01, burst=2)
        rates = PageRates(RedisPipe("unix:///nonexistent", patience=1), rate)
        assert [await called(rate, rates, address) for _ in range(3)] == [True, True, False]

    asyncio.run(run())
