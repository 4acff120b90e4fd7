"""Trainings that nobody asks for: the first one, and each night's."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from engine.models.event import Event
from engine.models.training import TrainingRun
from engine.services.ingest_events import ingest_events
from engine.services.queue_daily_trainings import queue_daily_trainings
from engine.services.start_first_trainings import start_first_trainings
from engine.services.train_if_changed import train_if_changed
from tenants.context import in_environment, on_platform
from tenants.models.environment import Environment
from tenants.models.job import Job
from tenants.models.tenant import Tenant
from tests.engine.model_versions import add_champions
from tests.engine.small_store import fill_store

LOOK = "engine.tasks.train_if_changed"


def runs(environment: Environment) -> list[str]:
    with in_environment(environment):
        return list(TrainingRun.objects.values_list("status", flat=True))


def look(environment: Environment) -> str | None:
    with in_environment(environment):
        return train_if_changed(environment=environment)


def end_runs(environment: Environment, *, age: timedelta = timedelta(0)) -> None:
    """End what was queued, as if all before had happened that long ago."""
    now = timezone.now()
    with in_environment(environment):
        TrainingRun.objects.update(status="failed", created_at=now - age)
        Event.objects.update(received_at=now - age - timedelta(seconds=1))
    with on_platform():
        Job.objects.filter(environment=environment).update(state="failed", exclusive_key=None)


def send_view(environment: Environment) -> None:
    with in_environment(environment):
        ingest_events(
            environment=environment,
            rows=[{"type": "view", "user_id": "u1", "item_id": "sku-1"}],
            received_at=timezone.now() + timedelta(seconds=1),
        )


def first_trainings(
    *, after_id: int = 0, most: int = 100, after: timedelta = timedelta(minutes=1)
) -> int:
    """Look for first trainings that long after the last event came."""
    with time_machine.travel(timezone.now() + after, tick=False):
        return start_first_trainings(after_id=after_id, most=most)


def test_every_environment_is_looked_at_once_a_day(acorn: Environment, birch: Environment) -> None:
    with on_platform():
        queue_daily_trainings()
        assert queue_daily_trainings() == 0
        jobs = Job.objects.filter(kind=LOOK, environment__in=[acorn, birch])
        assert jobs.count() == 2
        today = f"{timezone.now():%Y-%m-%d}"
        assert {job.dedupe_key for job in jobs} == {
            f"train:{acorn.pk}:{today}",
            f"train:{birch.pk}:{today}",
        }
        for job in jobs:
            assert job.environment_id is not None
            # Within the first four hours of the day, each store in its own minute.
            assert f"{job.run_after:%Y-%m-%d}" == today
            assert job.run_after.hour * 60 + job.run_after.minute == job.environment_id % 240


def test_who_wants_no_training_or_is_suspended_is_left_alone(
    acorn: Environment, birch: Environment
) -> None:
    with on_platform():
        Environment.objects.filter(pk=acorn.pk).update(auto_train="off")
        Tenant.objects.filter(pk=birch.tenant_id).update(status="suspended")
        queue_daily_trainings()
        assert not Job.objects.filter(kind=LOOK, environment__in=[acorn, birch]).exists()


def test_the_daily_look_trains_where_something_is_new(acorn: Environment) -> None:
    assert look(acorn) is None
    fill_store(acorn, shoppers=5, views=2)
    assert look(acorn) is not None
    end_runs(acorn)
    assert look(acorn) is None
    send_view(acorn)
    assert look(acorn) is not None


def test_a_look_that_was_queued_before_the_store_wanted_none_trains_nothing(
    acorn: Environment,
) -> None:
    fill_store(acorn, shoppers=5, views=2)
    with on_platform():
        Environment.objects.filter(pk=acorn.pk).update(auto_train="off")
        unwilling = Environment.objects.get(pk=acorn.pk)
    assert look(unwilling) is None


def test_the_first_training_starts_when_the_data_suffice(
    acorn: Environment, birch: Environment
) -> None:
    # 10 shoppers with 10 views are the 100 events that are enough; Birch has 90.
    fill_store(acorn, shoppers=10, views=10)
    fill_store(birch, shoppers=9, views=10)
    first_trainings()
    assert (runs(acorn), runs(birch)) == (["queued"], [])
    first_trainings()
    assert runs(acorn) == ["queued"]


def test_a_history_that_is_still_being_sent_is_waited_for(acorn: Environment) -> None:
    fill_store(acorn, shoppers=10, views=10)
    first_trainings(after=timedelta(seconds=29))
    assert runs(acorn) == []
    first_trainings(after=timedelta(seconds=31))
    assert runs(acorn) == ["queued"]


def test_a_shop_whose_events_never_pause_is_not_waited_for_longer_than_ten_minutes(
    acorn: Environment,
) -> None:
    fill_store(acorn, shoppers=10, views=10)
    with in_environment(acorn):
        Event.objects.update(received_at=timezone.now() - timedelta(minutes=11))
    send_view(acorn)
    first_trainings(after=timedelta(seconds=2))
    assert runs(acorn) == ["queued"]


def test_events_of_unknown_items_are_nothing_to_learn_from(acorn: Environment) -> None:
    with in_environment(acorn):
        ingest_events(
            environment=acorn,
            rows=[
                {"type": "view", "user_id": "u1", "item_id": "unknown", "event_id": f"e{number}"}
                for number in range(200)
            ],
            received_at=timezone.now(),
        )
    first_trainings()
    assert runs(acorn) == []


def test_a_store_with_a_model_waits_for_the_night(acorn: Environment) -> None:
    add_champions(acorn, 1)
    fill_store(acorn, shoppers=10, views=10)
    first_trainings()
    assert runs(acorn) == []


@pytest.mark.parametrize(("minutes", "trainings"), [(58, 1), (60, 2)])
def test_a_first_training_that_failed_is_tried_again_after_an_hour(
    acorn: Environment, minutes: int, trainings: int
) -> None:
    fill_store(acorn, shoppers=10, views=10)
    first_trainings()
    end_runs(acorn, age=timedelta(minutes=minutes))
    send_view(acorn)
    first_trainings()
    assert len(runs(acorn)) == trainings


def test_a_round_over_many_stores_goes_on_where_it_stopped(
    acorn: Environment, birch: Environment
) -> None:
    first = first_trainings(most=1)
    second = first_trainings(after_id=first, most=1)
    assert 0 < first < second
    assert first_trainings(after_id=2**40, most=1) == 0
