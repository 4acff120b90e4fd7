"""The dispatcher's part: who comes first, what comes back, and that two of them do no harm."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from tenants.context import on_platform
from tenants.models.environment import Environment
from tenants.models.job import Job
from tenants.services import dispatch_jobs
from tenants.services.dispatch_jobs import publish_due_jobs, requeue_lost_jobs
from tenants.services.enqueue_job import enqueue_job
from tests.conftest import Store

QUICK, LONG = "tests.quick", "tests.long"


class Broker:
    """Remembers what was sent; breaks after `breaks_after` messages."""

    def __init__(self, *, breaks_after: int | None = None) -> None:
        self.sent: list[tuple[str, int, int]] = []
        self.breaks_after = breaks_after

    def __call__(self, kind: str, arguments: dict[str, Any]) -> None:
        if self.breaks_after is not None and len(self.sent) >= self.breaks_after:
            raise ConnectionError("Redis is away.")
        self.sent.append((kind, arguments["job_id"], arguments["environment_id"]))

    def environments(self) -> list[int]:
        return [environment for _, _, environment in self.sent]


def queue(environment: Environment, *, count: int = 1, kind: str = QUICK) -> list[int]:
    made = [enqueue_job(kind=kind, environment_id=environment.pk) for _ in range(count)]
    return [job_id for job_id in made if job_id is not None]


def publish(broker: Broker, *, quick: int = 0, long: int = 0) -> int:
    waiting = {"default": quick, "long": long}
    return publish_due_jobs(publish=broker, queues={LONG: "long"}, waiting=waiting)


def let_time_pass(jobs: list[int]) -> None:
    longer_ago = timezone.now() - timedelta(seconds=settings.JOB_LEASE_SECONDS + 5)
    Job.objects.filter(pk__in=jobs).update(published_at=longer_ago)


@pytest.fixture
def most_four(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch_jobs, "MAX_WAITING_MESSAGES", 4)


def test_one_job_of_birch_does_not_wait_behind_ten_of_acorn(
    acorn: Environment, birch: Environment, most_four: None
) -> None:
    queue(acorn, count=10)
    queue(birch)
    publish(broker := Broker())
    assert broker.environments() == [acorn.pk, birch.pk, acorn.pk, acorn.pk]


def test_who_has_jobs_running_waits_for_who_has_none(
    acorn: Environment, birch: Environment, most_four: None
) -> None:
    running = queue(acorn, count=2)
    Job.objects.filter(pk__in=running).update(state="running")
    queue(acorn)
    queue(birch, count=2)
    publish(broker := Broker())
    # Acorn's job would be its third at once, Birch's are its first and its second.
    assert broker.environments() == [birch.pk, birch.pk, acorn.pk]


def test_only_so_many_messages_wait_at_once(acorn: Environment, most_four: None) -> None:
    jobs = queue(acorn, count=6)
    assert [publish(Broker()), publish(Broker())] == [4, 0]
    Job.objects.filter(pk=jobs[0]).update(state="running")
    assert publish(Broker()) == 1


def test_waiting_trainings_hold_up_no_quick_job(
    acorn: Environment, birch: Environment, most_four: None
) -> None:
    queue(acorn, count=9, kind=LONG)
    assert publish(Broker()) == 4
    queue(birch)
    publish(broker := Broker())
    assert [kind for kind, _, _ in broker.sent] == [QUICK]


def test_a_message_that_redis_lost_is_sent_again(acorn: Environment) -> None:
    jobs = queue(acorn)
    publish(Broker())
    assert publish(Broker()) == 0
    let_time_pass(jobs)
    assert publish(Broker()) == 1


def test_messages_do_not_pile_up_while_the_workers_are_away(acorn: Environment) -> None:
    let_time_pass(queue(acorn, count=3))
    let_time_pass(queue(acorn, count=2, kind=LONG))
    assert publish(Broker(), quick=3, long=2) == 0
    # The longer queue holds messages that were sent twice.
    assert publish(Broker(), quick=7, long=2) == 0


def test_what_waits_in_one_queue_hides_no_loss_in_the_other(acorn: Environment) -> None:
    let_time_pass(queue(acorn))
    let_time_pass(queue(acorn, kind=LONG))
    publish(broker := Broker(), quick=1)
    assert [kind for kind, _, _ in broker.sent] == [LONG]


def test_where_redis_lost_some_all_that_wait_are_sent_again(acorn: Environment) -> None:
    let_time_pass(queue(acorn, count=3))
    queue(acorn)
    # Which of the three are lost, nobody knows; the fourth was never sent.
    assert publish(Broker(), quick=2) == 4
    assert publish(Broker(), quick=6) == 0


def test_what_could_not_be_sent_is_due_again_at_once(acorn: Environment) -> None:
    queue(acorn, count=3)
    with pytest.raises(ConnectionError):
        publish(Broker(breaks_after=1))
    assert publish(Broker()) == 2


def test_a_job_for_later_is_not_sent_now(acorn: Environment) -> None:
    jobs = queue(acorn)
    Job.objects.filter(pk__in=jobs).update(run_after=timezone.now() + timedelta(hours=1))
    assert publish(Broker()) == 0


def test_a_dead_workers_job_comes_back_and_a_living_ones_does_not(acorn: Environment) -> None:
    dead, living = queue(acorn, count=2)
    now = timezone.now()
    Job.objects.filter(pk=dead).update(
        state="running", attempts=3, lease_until=now - timedelta(minutes=1)
    )
    Job.objects.filter(pk=living).update(state="running", lease_until=now + timedelta(minutes=1))
    assert requeue_lost_jobs() == 1
    # Its attempts are used up: it comes back once more, so that its tenant is told.
    assert Job.objects.get(pk=dead).state == "queued"
    assert Job.objects.get(pk=living).state == "running"


def test_a_job_that_cannot_even_be_given_up_ends(acorn: Environment) -> None:
    job_id = enqueue_job(kind=QUICK, environment_id=acorn.pk, exclusive_key="train:1")
    assert job_id is not None
    Job.objects.filter(pk=job_id).update(
        state="running", attempts=4, lease_until=timezone.now() - timedelta(minutes=1)
    )
    requeue_lost_jobs()
    ended = Job.objects.get(pk=job_id)
    assert (ended.state, ended.exclusive_key) == ("failed", None)


@pytest.fixture
def committed_jobs(acorn_store: Store) -> Iterator[set[int]]:
    with on_platform():
        jobs = queue(acorn_store.live, count=40)
        yield set(jobs)
        Job.objects.filter(pk__in=jobs).delete()


def test_two_dispatchers_send_each_job_once(
    committed_jobs: set[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch_jobs, "MAX_WAITING_MESSAGES", len(committed_jobs) - 10)

    def dispatch() -> list[int]:
        try:
            publish(broker := Broker())
        finally:
            connection.close()
        return [job for _, job, _ in broker.sent]

    with ThreadPoolExecutor(1) as other_process:
        # The other one looks while this one has taken its jobs and not yet said so.
        with transaction.atomic():
            publish(broker := Broker())
            meanwhile = other_process.submit(dispatch).result(timeout=10)
        afterwards = other_process.submit(dispatch).result(timeout=10)
    assert len(broker.sent) == len(committed_jobs) - 10
    sent = [job for _, job, _ in broker.sent] + meanwhile + afterwards
    assert Counter(sent) == Counter(set(sent))
