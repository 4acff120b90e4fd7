"""Random lives of what leads from buckets to Stripe: faults, crashes and jumps of the clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from typing_extensions import override

from billing.models.usage_report import UsageReport
from billing.services.close_hours import LOOKED_BACK_FAR, close_hours
from billing.services.reconcile_usage import reconcile_usage
from billing.services.send_usage_reports import send_usage_reports
from tests.billing.stripe_customer import Customer, subscribe
from tests.billing.stripe_server import Account

HOUR = timedelta(hours=1)
FAULTS = ("500", "503", "429", "drop_before", "drop_after")


class UsageLife(RuleBasedStateMachine):
    """A store's hours under everything that may happen to them."""

    account: Account
    acorn: Any
    birch: Any

    def __init__(self) -> None:
        super().__init__()
        self.now = datetime.now(tz=UTC)
        self.hours = [
            self.now.replace(minute=0, second=0, microsecond=0) - number * HOUR
            for number in range(1, 5)
        ]
        # Whatever this life writes is gone with it.
        self.savepoint = transaction.atomic()
        self.savepoint.__enter__()
        self.customers = [Customer(each, self.account) for each in (self.acorn, self.birch)]
        self.account.world.usage.clear()
        self.account.world.identifiers.clear()
        self.account.world.replays.clear()
        self.used: dict[tuple[int, int], int] = {}

    @rule(store=st.integers(0, 1), hour=st.integers(0, 3), calls=st.integers(1, 50))
    def ship(self, store: int, hour: int, calls: int) -> None:
        """Calls arrive in the buckets, late or in time."""
        self.used[store, hour] = self.used.get((store, hour), 0) + calls
        self.customers[store].use(self.hours[hour], self.used[store, hour])

    @rule(minutes=st.integers(1, 300))
    def wait(self, minutes: int) -> None:
        """Time passes for us and for Stripe."""
        self.now += timedelta(minutes=minutes)
        self.account.world.clock_offset += minutes * 60

    @rule(faults=st.lists(st.sampled_from(FAULTS), max_size=4))
    def fail(self, faults: list[Any]) -> None:
        """The next meter events go wrong."""
        self.account.post_switches(faults=faults, fault_path="/v1/billing/meter_events")

    @rule()
    def forget_keys(self) -> None:
        """Stripe forgets its Idempotency-Keys."""
        self.account.world.replays.clear()

    @rule(is_crash=st.booleans())
    def send(self, is_crash: bool) -> None:  # noqa: FBT001  # hypothesis passes by keyword
        """A round of the clock, which may die before its commit: what Stripe has, it keeps."""
        close_hours(now=self.now)
        with transaction.atomic():
            send_usage_reports(now=lambda: self.now, most=3)
            transaction.set_rollback(is_crash)

    @rule(more=st.integers(1, 9))
    def drift(self, more: int) -> None:
        """Stripe counts something else."""
        for values in list(self.account.world.usage.values())[:1]:
            values[-1]["value"] += more
            self.drifted = True

    drifted = False

    @invariant()
    def never_more_than_used(self) -> None:
        """I6."""
        for (store, hour), used in self.used.items():
            if not self.drifted:
                assert self.customers[store].counted(self.hours[hour]) <= used

    @override
    def teardown(self) -> None:
        """Once all is quiet, both sides say the same of each store and hour."""
        try:
            self.become_quiet()
        finally:
            transaction.set_rollback(True)
            self.savepoint.__exit__(None, None, None)
            self.account.world.clock_offset = 0

    def become_quiet(self) -> None:
        """Let the clock's rounds go on until both sides agree."""
        self.account.post_switches(faults=[])
        self.now += 4 * HOUR
        self.account.world.clock_offset += 4 * 3_600
        for _ in range(3):
            close_hours(now=self.now, back=LOOKED_BACK_FAR)
            self.now += HOUR
            send_usage_reports(now=lambda: self.now)
            reconcile_usage(now=self.now)
        for store, customer in enumerate(self.customers):
            for hour, moment in enumerate(self.hours):
                assert customer.counted(moment) == self.used.get((store, hour), 0)
        assert not UsageReport.objects.exclude(state__in=["sent", "superseded"]).exists()


def test_the_totals_agree_after_any_life(
    stripe: Account, acorn: Any, birch: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I6 and I10."""
    for environment in (acorn, birch):
        subscribe(environment, stripe)

    class Life(UsageLife):
        account = stripe

    Life.acorn, Life.birch = acorn, birch
    run_state_machine_as_test(
        Life,
        settings=settings(
            max_examples=12,
            stateful_step_count=12,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
