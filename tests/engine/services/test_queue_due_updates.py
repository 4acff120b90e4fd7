"""When an update is worth it: the clock's look at live models."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from engine.models.event import Event
from engine.models.training import ModelVersion, TrainingRun
from engine.services.queue_due_updates import LEAST_NEW_EVENTS, queue_due_updates
from saas.lib.ids import new_ulid
from tenants.context import in_environment, on_platform
from tenants.models.environment import Environment
from tenants.models.tenant import Tenant
from tests.engine.model_versions import add_version
from tests.engine.small_store import fill_store

HOUR = timedelta(hours=1)


def look(*, after_id: int = 0, most: int = 100) -> int:
    return queue_due_updates(after_id=after_id, most=most)


def kinds(environment: Environment) -> list[str]:
    with in_environment(environment):
        return list(TrainingRun.objects.order_by("id").values_list("kind", flat=True))


def add_live_model(environment: Environment, *, age: timedelta = 2 * HOUR, events: int = 0) -> None:
    version = add_version(
        environment,
        day=1,
        trained_at=timezone.now() - age,
        recipe={"update": {"epochs": 3}},
        counts={"events": events},
    )
    with on_platform():
        Environment.objects.filter(pk=environment.pk).update(live_version=version)


def change_environment(environment: Environment, **changes: object) -> None:
    with on_platform():
        Environment.objects.filter(pk=environment.pk).update(**changes)


@pytest.fixture
def shop(acorn: Environment) -> Environment:
    """Acorn with a live model of two hours ago and just enough events since."""
    fill_store(acorn, shoppers=20, views=LEAST_NEW_EVENTS // 20)
    add_live_model(acorn)
    return acorn


def test_an_update_is_queued_once_where_enough_is_new(shop: Environment) -> None:
    look()
    look()
    assert kinds(shop) == ["update"]


def test_a_few_new_events_are_not_worth_it(shop: Environment) -> None:
    with in_environment(shop):
        Event.objects.filter(pk=Event.objects.latest("id").pk).delete()
    look()
    assert kinds(shop) == []


def test_what_a_store_knows_already_says_what_is_much(shop: Environment) -> None:
    with in_environment(shop):
        # A hundredth of them is one more than there are new.
        ModelVersion.objects.update(counts={"events": (LEAST_NEW_EVENTS + 1) * 100})
    look()
    assert kinds(shop) == []


def test_events_that_the_live_model_has_read_are_not_new(shop: Environment) -> None:
    with in_environment(shop):
        Event.objects.update(received_at=timezone.now() - 3 * HOUR)
    look()
    assert kinds(shop) == []


@pytest.mark.parametrize(("minutes", "expected"), [(58, []), (62, ["update"])])
def test_runs_are_an_hour_apart(shop: Environment, minutes: int, expected: list[str]) -> None:
    at = timezone.now() - timedelta(minutes=minutes)
    with in_environment(shop):
        TrainingRun.objects.create(id=new_ulid(), status="failed", created_at=at)
    look()
    assert kinds(shop)[1:] == expected


@pytest.mark.parametrize(
    "unwilling",
    [{"auto_train": "off"}, {"auto_promote": False}, {"is_pinned": True}, {"live_version": None}],
    ids=lambda changes: next(iter(changes)),
)
def test_who_would_not_serve_an_update_gets_none(
    shop: Environment, unwilling: dict[str, object]
) -> None:
    change_environment(shop, **unwilling)
    look()
    assert kinds(shop) == []


def test_a_suspended_store_gets_none(shop: Environment) -> None:
    with on_platform():
        Tenant.objects.filter(pk=shop.tenant_id).update(status="suspended")
    look()
    assert kinds(shop) == []


def test_a_recipe_that_updates_do_not_help_is_looked_at_for_drift(shop: Environment) -> None:
    with in_environment(shop):
        ModelVersion.objects.update(recipe={"update": None})
    look()
    assert kinds(shop) == ["update"]


def test_a_model_whose_files_were_removed_gets_none(shop: Environment) -> None:
    with in_environment(shop):
        ModelVersion.objects.update(artifact_removed_at=timezone.now())
    look()
    assert kinds(shop) == []


def test_a_round_over_many_stores_goes_on_where_it_stopped(
    acorn: Environment, birch: Environment
) -> None:
    for store in (acorn, birch):
        add_live_model(store)
    first = look(most=1)
    second = look(after_id=first, most=1)
    assert 0 < first < second
    assert look(after_id=2**40, most=1) == 0
