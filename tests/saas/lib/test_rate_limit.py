"""Rates: a burst, then a steady flow, each caller alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saas.lib import rate_limit
from saas.lib.errors import RateLimited
from saas.lib.rate_limit import RateLimit, take_page_call


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_is_let_through_and_then_a_steady_flow() -> None:
    clock = Clock()
    limit = RateLimit(per_second=10, burst=3, clock=clock)
    left = [limit.take("ada") for _ in range(4)]
    assert [each.remaining for each in left] == [2, 1, 0, 0]
    assert [each.retry_after for each in left[:3]] == [None] * 3
    assert left[3].retry_after == pytest.approx(0.1)
    clock.now += 0.1
    assert limit.take("ada").retry_after is None
    assert limit.take("ada").retry_after is not None
    clock.now += 60
    assert limit.take("ada").remaining == 2


def test_callers_do_not_share_a_rate() -> None:
    limit = RateLimit(per_second=1, burst=1, clock=Clock())
    assert limit.take("ada").retry_after is None
    assert limit.take("bob").retry_after is None
    assert limit.take("ada").retry_after is not None


@given(
    st.lists(st.floats(0, 2), min_size=1, max_size=60),
    st.integers(1, 5),
    st.sampled_from([0.5, 3.0, 20.0]),
)
def test_no_span_of_time_has_more_calls_than_promised(
    pauses: list[float], burst: int, per_second: float
) -> None:
    clock = Clock()
    limit = RateLimit(per_second=per_second, burst=burst, clock=clock)
    taken = []
    for pause in pauses:
        clock.now += pause
        allowance = limit.take("ada")
        assert 0 <= allowance.remaining < burst
        if allowance.retry_after is None:
            taken.append(clock.now)
        else:
            # It is let through when it says so, and not before.
            assert allowance.retry_after > 0
    for first, start in enumerate(taken):
        for last in range(first, len(taken)):
            most = burst + (taken[last] - start) * per_second
            assert last - first + 1 <= most + 1


def test_whoever_waits_as_told_is_let_through() -> None:
    clock = Clock()
    limit = RateLimit(per_second=7, burst=2, clock=clock)
    while (refused := limit.take("ada").retry_after) is None:
        pass
    clock.now += refused
    assert limit.take("ada").retry_after is None


def test_callers_that_are_through_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limit, "MOST_CALLERS", 3)
    clock = Clock()
    limit = RateLimit(per_second=1, burst=1, clock=clock)
    for caller in "abc":
        limit.take(caller)
    clock.now += 2
    limit.take("d")
    assert limit.take("d").retry_after is not None
    # All busy: nobody is refused for others' sake.
    for caller in "efg":
        assert limit.take(caller).retry_after is None


def test_a_page_is_told_its_rate_and_one_network_is_one_caller(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rate_limit, "PAGE_RATE", RateLimit(per_second=0.01, burst=2))
    assert take_page_call(1, "2001:db8::1") == {
        "RateLimit-Policy": '"page";q=2;w=200',
        "RateLimit": '"page";r=1;t=100',
    }
    take_page_call(1, "2001:db8::2%eth0")
    with pytest.raises(RateLimited, match=r"go on in (100|99) s") as refused:
        take_page_call(1, "2001:db8::ffff:3")
    assert refused.value.headers["Retry-After"] in {"100", "99"}
    assert refused.value.headers["RateLimit"] == '"page";r=0;t=200'
    take_page_call(1, "2001:db8:0:1::1")
    take_page_call(1, "203.0.113.7")
    take_page_call(2, "2001:db8::1")
    take_page_call(1, "testclient:1")
