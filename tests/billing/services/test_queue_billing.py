"""What the clock does for billing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from prometheus_client import REGISTRY

from billing.models.usage_report import UsageReport
from billing.services.mirror_plans import mirror_plans
from billing.services.queue_billing import close_ended_hours, measure_outbox, queue_billing
from billing.stripe_gateway import gateway
from billing.tasks import mirror_plans as mirror_task
from saas.lib.config import config
from saas.lib.errors import BillingUnavailable
from tenants.models.job import Job

MIRROR, SEND = "billing.tasks.mirror_plans", "billing.tasks.send_usage_reports"


def kinds() -> list[str]:
    return sorted(Job.objects.values_list("kind", flat=True))


@pytest.fixture
def noon() -> datetime:
    now = datetime.now(tz=UTC)
    return now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=3)


def test_plans_are_mirrored_until_stripe_has_them(stripe: Any) -> None:
    queue_billing()
    assert MIRROR in kinds()
    Job.objects.all().delete()
    mirror_plans()

    queue_billing()
    assert MIRROR not in kinds()


def test_hours_are_closed_and_sent_once_they_are_due(acorn_customer: Any, noon: datetime) -> None:
    Job.objects.all().delete()
    acorn_customer.use(noon, 250)
    for _ in range(2):
        close_ended_hours()
        queue_billing()

    assert kinds().count(SEND) == 1
    assert UsageReport.objects.get().units == 250


def test_each_hour_is_reconciled_and_each_night_looked_at_once(stripe: Any) -> None:
    for _ in range(2):
        queue_billing()

    assert [
        kinds().count(f"billing.tasks.{each}") for each in ("reconcile_usage", "resync_stripe")
    ] == [1, 1]


def test_without_a_stripe_nothing_is_done(stripe: Any, monkeypatch: Any) -> None:
    monkeypatch.delenv("SHELFWISE_LOCAL_STRIPE_URL")
    config.cache_clear()
    gateway.cache_clear()

    queue_billing()

    assert kinds() == []
    with pytest.raises(BillingUnavailable, match="STRIPE_SECRET_KEY"):
        gateway()


def test_a_secret_key_means_the_real_stripe(stripe: Any, monkeypatch: Any) -> None:
    monkeypatch.setenv("STRIPE_SECRET_KEY", "sk_test_of_an_account")
    config.cache_clear()
    gateway.cache_clear()

    requestor = gateway()._client._requestor
    assert requestor.base_addresses["api"] == "https://api.stripe.com"


def test_the_outbox_is_shown_to_operators(acorn_customer: Any, noon: datetime) -> None:
    acorn_customer.use(noon, 250)
    close_ended_hours()
    UsageReport.objects.update(state="rejected", drift_units=-3, drift_rounds=2)

    measure_outbox()

    assert REGISTRY.get_sample_value("shelfwise_usage_rejected_reports") == 1
    assert REGISTRY.get_sample_value("shelfwise_billing_drift_rounds") == 2
    labels = {"tenant": str(acorn_customer.tenant_id)}
    assert REGISTRY.get_sample_value("shelfwise_billing_drift_units", labels) == -3


@pytest.mark.parametrize("fault", [None, "503"])
def test_a_job_of_the_platform_ends_or_comes_again(stripe: Any, fault: Any) -> None:
    stripe.post_switches(faults=[fault] * 3 if fault else [])
    queue_billing()
    job = Job.objects.get(kind=MIRROR)

    mirror_task(job_id=job.pk, environment_id=None)

    job.refresh_from_db()
    assert job.state == ("queued" if fault else "done")
    assert bool(job.error) == bool(fault)
