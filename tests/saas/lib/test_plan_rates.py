"""A plan's rate holds for all processes together, to the call, and without Redis for each alone."""

from __future__ import annotations

import os
from contextlib import closing

import pytest
import redis

from saas.lib import plan_rates
from saas.lib.errors import RateLimited
from saas.lib.ids import new_ulid
from saas.lib.plan_rates import PlanRate, PlanRates, rate_headers, take_plan_call
from saas.lib.redis_client import redis_client
from tests.chaos.processes import run_together
from tests.rates import stop_rates

SECOND = 1_000_000
# A process with 16 threads that call until each was refused; prints how many calls got through.
CALLER = """
import sys, threading
from saas.lib import plan_rates
plan_rates._TAKE = sys.argv[1]
# Blocks do not end while a busy machine keeps a thread waiting.
rates = plan_rates.PlanRates("api", clock=lambda: 0.0)
rate = plan_rates.PlanRate(100, int(sys.argv[3]))
made = [0] * 16

def call(place):
    while rates.call(sys.argv[2], rate).retry_after is None:
        made[place] += 1

threads = [threading.Thread(target=call, args=(place,)) for place in range(16)]
print("ready", flush=True)
sys.stdin.readline()
for each in threads:
    each.start()
for each in threads:
    each.join()
print(sum(made))
"""


class Clock:
    """Redis' clock, set by hand."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client
        self.move(0)

    def move(self, microseconds: int) -> None:
        self._client.incrby("sw:tenant:clock", microseconds)


@pytest.fixture
def tenant(monkeypatch: pytest.MonkeyPatch) -> str:
    """A store that nobody has counted, whose clock stands."""
    stop_rates(monkeypatch)
    return new_ulid()


@pytest.fixture
def clock(tenant: str, monkeypatch: pytest.MonkeyPatch) -> Clock:
    by_hand = plan_rates._TAKE.replace("now = 1\n", "now = redis.call('GET', 'sw:tenant:clock')\n")
    monkeypatch.setattr(plan_rates, "_TAKE", by_hand)
    return Clock(redis_client())


def made(rates: PlanRates, tenant: str, rate: PlanRate, *, most: int = 1_000) -> int:
    """Call until it is refused."""
    for number in range(most):
        if rates.call(tenant, rate).retry_after is not None:
            return number
    return most


def test_processes_share_a_burst_to_the_call(tenant: str) -> None:
    processes = [PlanRates("api") for _ in range(3)]
    rate = PlanRate(10, 50)
    let_through = sum(
        processes[number % 3].call(tenant, rate).retry_after is None for number in range(200)
    )

    assert let_through == 50


def test_four_processes_with_sixteen_threads_each_get_exactly_the_burst(tenant: str) -> None:
    made = run_together(CALLER, plan_rates._TAKE, tenant, "3001", processes=4)

    assert sum(int(each) for each in made) == 3_001


def test_a_steady_flow_follows_the_burst(tenant: str, clock: Clock) -> None:
    rate = PlanRate(10, 5)
    assert made(PlanRates("api"), tenant, rate) == 5
    clock.move(SECOND // 10)
    assert made(PlanRates("api"), tenant, rate) == 1
    # Ten were earned, of which five can be kept.
    clock.move(SECOND)
    assert made(PlanRates("api"), tenant, rate) == 5


def test_who_is_refused_is_told_when_to_go_on(tenant: str) -> None:
    rates, rate = PlanRates("api"), PlanRate(2, 4)
    allowed = [rates.call(tenant, rate) for _ in range(4)]
    refused = rates.call(tenant, rate)

    assert [each.remaining for each in allowed] == [3, 2, 1, 0]
    assert refused.retry_after == pytest.approx(0.5)
    with pytest.raises(RateLimited, match="2 calls a second, 4 at once") as error:
        rate_headers(refused, rate)
    assert error.value.headers == {
        "RateLimit-Policy": '"plan";q=4;w=2',
        "RateLimit": '"plan";r=0;t=2',
        "Retry-After": "1",
    }


def test_blocks_spare_most_questions_and_shrink_when_it_is_quiet(
    tenant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    rates, rate = PlanRates("api", clock=lambda: now), PlanRate(1_000, 10_000)
    wanted: list[object] = []
    question = rates.question

    def noting(tenant: str, rate: PlanRate) -> tuple[str | int, ...]:
        asked = question(tenant, rate)
        wanted.append(asked[6])
        return asked

    monkeypatch.setattr(rates, "question", noting)
    made(rates, tenant, rate, most=1_000)
    assert wanted == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]
    for _ in range(2):
        now += 1
        made(rates, tenant, rate, most=3)

    # The last block of the storm had 489 calls; the next quarter of a second three.
    assert wanted[10:] == [489, 3]


def test_what_a_block_did_not_use_comes_back(tenant: str) -> None:
    now = 0.0
    first, second = PlanRates("api", clock=lambda: now), PlanRates("api")
    rate = PlanRate(1, 100)
    for _ in range(3):
        first.call(tenant, rate)
    now += plan_rates.BLOCK_SECONDS + 1
    calls = 3 + sum(first.call(tenant, rate).retry_after is None for _ in range(2))
    now += plan_rates.BLOCK_SECONDS + 1
    calls += first.call(tenant, rate).retry_after is None

    assert calls + made(second, tenant, rate) + made(first, tenant, rate) == 100


def test_who_is_refused_is_refused_without_asking_again(
    tenant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    rates, rate = PlanRates("api", clock=lambda: now), PlanRate(2, 1)
    assert made(rates, tenant, rate) == 1
    assert rates.take(tenant, rate) is not None
    now = 0.6
    assert rates.take(tenant, rate) is None


def test_services_and_stores_have_rates_of_their_own(tenant: str) -> None:
    rate = PlanRate(1, 2)
    assert made(PlanRates("api"), tenant, rate) == 2
    assert made(PlanRates("recommend"), tenant, rate) == 2
    assert made(PlanRates("api"), new_ulid(), rate) == 2


def test_without_redis_each_process_keeps_the_rate_by_itself(
    tenant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from saas.lib.redis_client import client_of

    nobody = client_of("redis://127.0.0.1:1/0")
    monkeypatch.setattr(plan_rates, "redis_client", lambda: nobody)
    one, other = PlanRates("api"), PlanRates("api")
    # Of what `_rate_alone` remembers, nobody else has this rate.
    rate = PlanRate(1, 4_321)

    assert one.call(tenant, rate).remaining == 4_320
    # It is not asked again at once.
    assert one.take(tenant, rate) is not None
    assert other.take(tenant, rate) is None


def test_the_api_tells_what_is_left(tenant: str) -> None:
    assert take_plan_call(tenant, per_second=5, burst=10) == {
        "RateLimit-Policy": '"plan";q=10;w=2',
        "RateLimit": '"plan";r=9;t=1',
    }


def test_a_counter_is_forgotten_when_all_is_worked_off(tenant: str) -> None:
    PlanRates("api").call(tenant, PlanRate(5, 10))
    with closing(redis.Redis.from_url(os.environ["REDIS_URL"])) as client:
        assert int(str(client.pttl(f"sw:tenant:{tenant}:rate:api"))) > 0
