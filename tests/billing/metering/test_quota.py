"""A process's accounts, without a server: what is taken, what is asked for, and when to let go."""

from __future__ import annotations

import pytest

from billing.metering.quota import IDLE_ROUNDS, LEAST_LEASE, Quota, Quotas, Reply

QUOTA = Quota(environment_id=7, period_start=1_000, period_end=2_000, limit=100)


def settle(quotas: Quotas, *, used: int = 0, granted: int = 0, free: int = 99) -> None:
    quotas.settle(quotas.messages(), [Reply("e", used, granted, free)])


@pytest.fixture
def quotas() -> Quotas:
    """Accounts with a lease of ten."""
    quotas = Quotas()
    quotas.take(QUOTA, 1)
    settle(quotas, granted=10)
    return quotas


def test_nothing_is_taken_without_a_lease() -> None:
    quotas = Quotas()

    assert quotas.take(QUOTA, 1) == 0
    assert not quotas.is_exhausted(QUOTA)
    (message,) = quotas.messages()
    assert (message.total, message.kept) == (0, 0)
    assert message.wanted >= LEAST_LEASE


def test_no_more_is_taken_than_was_granted(quotas: Quotas) -> None:
    assert quotas.take(QUOTA, 4) == 4
    assert quotas.take(QUOTA, 20) == 6
    assert quotas.take(QUOTA, 1) == 0


def test_what_was_not_charged_can_be_taken_again(quotas: Quotas) -> None:
    assert quotas.take(QUOTA, 10) == 10
    quotas.give_back(QUOTA, 3)

    assert quotas.take(QUOTA, 5) == 3
    assert quotas.used(QUOTA) == 10


def test_without_a_limit_calls_are_counted_and_never_refused() -> None:
    quotas = Quotas()
    endless = QUOTA._replace(limit=None)

    assert quotas.take(endless, 1_000_000) == 1_000_000
    quotas.give_back(endless, 1)
    (message,) = quotas.messages()
    assert (message.total, message.kept, message.wanted) == (999_999, 0, 0)


def test_a_lost_answer_is_asked_for_again_with_the_same_numbers(quotas: Quotas) -> None:
    quotas.take(QUOTA, 3)
    (lost,) = quotas.messages()
    (again,) = quotas.messages()

    assert (again.reported, again.total) == (lost.reported, lost.total) == (0, 3)


def test_a_lease_that_runs_out_is_followed_by_a_larger_one() -> None:
    quotas = Quotas()
    quotas.take(QUOTA, 1)
    (first,) = quotas.messages()
    quotas.take(QUOTA, 1)
    (second,) = quotas.messages()

    assert second.wanted == 2 * first.wanted


def test_an_idle_lease_is_let_go(quotas: Quotas) -> None:
    for _ in range(IDLE_ROUNDS - 1):
        settle(quotas)
    assert quotas.messages()[0].kept == 0
    assert quotas.take(QUOTA, 1) == 0


def test_near_the_limit_an_idle_lease_is_let_go_at_once(quotas: Quotas) -> None:
    quotas.take(QUOTA, 1)
    settle(quotas, used=93, free=1)

    assert quotas.messages()[0].kept == 0


def test_exhausted_means_that_all_is_taken_not_that_others_hold_it(quotas: Quotas) -> None:
    settle(quotas, used=99, free=0)
    assert not quotas.is_exhausted(QUOTA)

    settle(quotas, used=100, free=0)
    assert quotas.is_exhausted(QUOTA)


def test_a_raised_limit_counts_on(quotas: Quotas) -> None:
    quotas.take(QUOTA, 5)
    settle(quotas, used=100, free=0)
    raised = QUOTA._replace(limit=200)

    assert not quotas.is_exhausted(raised)
    quotas.take(raised, 1)
    assert quotas.messages()[0].total == 6


def test_a_new_period_begins_with_nothing(quotas: Quotas) -> None:
    following = QUOTA._replace(period_start=2_000, period_end=3_000)

    assert quotas.take(following, 1) == 0
    assert quotas.used(following) == 0


def test_blind_it_goes_on_to_the_limit_that_it_knows(quotas: Quotas) -> None:
    quotas.take(QUOTA, 2)
    settle(quotas, used=90, free=5)
    quotas.go_on_blindly({})

    # 90 of 100 were used when the counter was last heard.
    assert quotas.take(QUOTA, 50) == 10
    quotas.messages()
    quotas.go_on_blindly({})
    assert quotas.is_exhausted(QUOTA)


def test_blind_from_the_start_it_goes_by_the_ledger() -> None:
    quotas = Quotas()
    quotas.take(QUOTA, 1)
    assert quotas.unknown() == [QUOTA]
    quotas.go_on_blindly({QUOTA: 97})

    assert quotas.take(QUOTA, 10) == 3
    assert quotas.unknown() == []


def test_when_the_counter_is_back_a_blind_allowance_is_gone(quotas: Quotas) -> None:
    quotas.go_on_blindly({})
    quotas.take(QUOTA, 1)

    assert quotas.messages()[0].kept == 0
    assert quotas.take(QUOTA, 1) == 0
