"""Retention: events go when the plan keeps them no longer, counted back from the newest."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from engine.jobs import RETENTION_JOB
from engine.models.event import Event
from engine.models.shopper import IdentityLink, Shopper
from engine.services import expire_events
from engine.services.queue_daily_retention import queue_daily_retention
from engine.services.write_users import patch_user
from tenants.context import in_environment, on_platform
from tenants.models.environment import Environment
from tenants.models.job import Job
from tenants.models.tenant import Entitlement
from tests.engine.privacy import at, merge, run_jobs, stored, take_in, view

DAY = 24.0


@pytest.fixture
def shop(acorn: Environment) -> Environment:
    """Acorn on a plan that keeps events for 30 days, with a lively day long ago."""
    with on_platform():
        Entitlement.objects.filter(tenant=acorn.tenant_id).update(retention_days=30)
    take_in(acorn, *(view(hour, user_id="ben") for hour in range(5)))
    return acorn


def expire(environment: Environment) -> None:
    """Do what a night does."""
    queue_daily_retention()
    run_jobs(environment, RETENTION_JOB)


def shoppers(environment: Environment) -> set[str]:
    with in_environment(environment):
        return set(Shopper.objects.values_list("external_id", flat=True))


def test_what_is_older_than_the_plan_keeps_goes_and_the_rest_stays(shop: Environment) -> None:
    take_in(shop, view(-31 * DAY, user_id="ada"), view(-29 * DAY, user_id="ada"))
    expire(shop)
    assert stored(shop)[0][-1] == at(-29 * DAY)
    assert len(stored(shop)) == 6


def test_imported_history_is_as_young_as_its_newest_day(shop: Environment) -> None:
    assert datetime.now(UTC) > at(40 * DAY)
    expire(shop)
    assert len(stored(shop)) == 5


def test_one_stray_event_deletes_nothing(shop: Environment) -> None:
    take_in(shop, view(100 * DAY, user_id="stray"))
    expire(shop)
    assert len(stored(shop)) == 6


def test_retention_never_refuses_an_event(shop: Environment) -> None:
    assert take_in(shop, view(-400 * DAY, user_id="ada")).accepted == 1


def test_a_shopper_goes_with_the_last_event_unless_the_store_described_it(
    shop: Environment,
) -> None:
    with in_environment(shop):
        patch_user(environment=shop, user_id="known", members={"attributes": {"city": "Ulm"}})
    take_in(
        shop,
        view(-40 * DAY, user_id="gone"),
        view(-40 * DAY, user_id="known"),
        view(-40 * DAY, anonymous_id="old-tab"),
        view(-40 * DAY, anonymous_id="tab", user_id="ben"),
        view(-40 * DAY, anonymous_id="seen", user_id="ben"),
        view(-1, anonymous_id="seen"),
    )
    merge(shop, "late", "ben", hours=0)
    expire(shop)
    assert shoppers(shop) == {"ben", "known", "seen", "late"}
    with in_environment(shop):
        links = IdentityLink.objects.values_list("anonymous__external_id", flat=True)
        assert set(links) == {"seen", "late"}


def test_a_job_goes_on_batch_by_batch_until_the_last(
    shop: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expire_events, "BATCH_ROWS", 2)
    take_in(shop, *(view(-40 * DAY - hour, user_id="ada") for hour in range(6)))
    expire(shop)
    assert len(stored(shop)) == 5
    assert shoppers(shop) == {"ben"}


def test_an_empty_store_and_a_young_one_keep_what_they_have(
    acorn: Environment, acorn_test: Environment
) -> None:
    take_in(acorn, view(0, user_id="ada"))
    for environment in (acorn, acorn_test):
        expire(environment)
    with in_environment(acorn):
        assert Event.objects.count() == 1


def test_each_environment_is_looked_at_once_a_day(acorn: Environment) -> None:
    queue_daily_retention()
    assert queue_daily_retention() == 0
    with on_platform():
        assert Job.objects.filter(environment=acorn, kind=RETENTION_JOB).count() == 1
