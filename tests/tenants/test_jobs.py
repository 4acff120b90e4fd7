"""A job is a row: claimed once, run for its tenant alone, ended together with its effect."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import InterfaceError, OperationalError
from django.utils import timezone
from psycopg import OperationalError as PsycopgOperationalError
from psycopg.errors import AdminShutdown, QueryCanceled

from engine.models.item import ItemRef
from tenants.context import in_environment, on_platform
from tenants.errors import JobFailedError, LeaseLostError, NoTenantError
from tenants.models.environment import Environment
from tenants.models.job import Job
from tenants.services.enqueue_job import enqueue_job
from tenants.services.run_job import ClaimedJob, claim_job, ensure_held, fail_job, finish_job
from tenants.tasks import TenantTask, run_tenant_job

KIND = "tests.write_a_ref"


@pytest.fixture
def job(acorn: Environment) -> Job:
    return queued(acorn)


def queued(environment: Environment, **changes: Any) -> Job:
    job_id = enqueue_job(kind=KIND, environment_id=environment.pk)
    assert job_id is not None
    Job.objects.filter(pk=job_id).update(**changes)
    return Job.objects.get(pk=job_id)


def claimed(job: Job) -> ClaimedJob:
    claim = claim_job(job_id=job.pk, kind=job.kind, environment_id=job.environment_id)
    assert claim is not None
    return claim


def run(task: TenantTask, job: Job) -> Job:
    run_tenant_job(task, job_id=job.pk, environment_id=job.environment_id)
    return Job.objects.get(pk=job.pk)


def task(function: Callable[[Environment, ClaimedJob], None], **more: Any) -> TenantTask:
    return TenantTask(name=KIND, run=function, **more)


def write_ref_and_finish(environment: Environment, job: ClaimedJob) -> None:
    with in_environment(environment):
        ItemRef.objects.create(ref="written-by-the-job")
        finish_job(job)


def refs_of(environment: Environment) -> list[str]:
    with in_environment(environment):
        return list(ItemRef.objects.values_list("ref", flat=True))


def test_a_job_runs_in_the_name_of_its_tenant_alone(
    job: Job, acorn: Environment, birch: Environment
) -> None:
    assert run(task(write_ref_and_finish), job).state == "done"
    assert refs_of(acorn) == ["written-by-the-job"]
    assert refs_of(birch) == []


def test_a_message_without_a_tenant_runs_for_nobody(job: Job) -> None:
    with pytest.raises(NoTenantError):
        run_tenant_job(task(write_ref_and_finish), job_id=job.pk, environment_id=None)
    assert Job.objects.get(pk=job.pk).state == "queued"


def test_a_message_that_names_another_tenant_claims_nothing(
    job: Job, acorn: Environment, birch: Environment
) -> None:
    run_tenant_job(task(write_ref_and_finish), job_id=job.pk, environment_id=birch.pk)
    assert Job.objects.get(pk=job.pk).state == "queued"
    assert refs_of(acorn) == refs_of(birch) == []


def test_a_message_for_another_task_claims_nothing(job: Job) -> None:
    other = TenantTask(name="tests.other", run=write_ref_and_finish)
    assert run(other, job).state == "queued"


def test_of_two_messages_for_one_job_one_claims_it(job: Job) -> None:
    claimed(job)
    assert claim_job(job_id=job.pk, kind=KIND, environment_id=job.environment_id) is None


def test_a_job_is_not_claimed_before_its_time(acorn: Environment) -> None:
    job = queued(acorn, run_after=timezone.now() + timedelta(hours=1))
    assert claim_job(job_id=job.pk, kind=KIND, environment_id=acorn.pk) is None


def test_an_older_holder_can_neither_write_nor_end_the_job(job: Job) -> None:
    older = claimed(job)
    Job.objects.filter(pk=job.pk).update(state="queued")
    newer = claimed(job)
    assert newer.fencing_token == older.fencing_token + 1
    for step in (ensure_held, finish_job):
        with pytest.raises(LeaseLostError):
            step(older)
    assert fail_job(older, reason="too late", retry_in=None) is False
    ensure_held(newer)
    finish_job(newer)
    assert Job.objects.get(pk=job.pk).state == "done"


def test_the_effect_of_an_older_holder_is_rolled_back(job: Job, acorn: Environment) -> None:
    def be_overtaken(environment: Environment, held: ClaimedJob) -> None:
        with on_platform():
            Job.objects.filter(pk=held.id).update(fencing_token=held.fencing_token + 1)
        write_ref_and_finish(environment, held)

    assert run(task(be_overtaken), job).state == "running"
    assert refs_of(acorn) == []


def test_a_worker_whose_clock_is_wrong_waits_as_long_as_any(job: Job) -> None:
    with time_machine.travel(timezone.now() + timedelta(days=1)):
        fail_job(claimed(job), reason="once more", retry_in=timedelta(seconds=60))
    wait = Job.objects.get(pk=job.pk).run_after - timezone.now()
    assert timedelta(seconds=50) < wait <= timedelta(seconds=60)


def test_a_failure_is_tried_again_a_minute_later_and_ends_after_three(job: Job) -> None:
    told: list[str] = []

    def break_down(environment: Environment, job: ClaimedJob) -> None:
        raise RuntimeError("a secret detail")

    breaking = task(break_down, on_failure=lambda _env, _job, reason: told.append(reason))
    first = run(breaking, job)
    assert (first.state, first.attempts, told) == ("queued", 1, [])
    assert timedelta(seconds=50) < first.run_after - timezone.now() < timedelta(seconds=70)
    for _ in range(2):
        Job.objects.filter(pk=job.pk).update(run_after=timezone.now() - timedelta(hours=1))
        last = run(breaking, job)
    assert (last.state, last.attempts) == ("failed", 3)
    assert told == ["It failed on our side."]
    assert "secret" not in last.error


@pytest.mark.parametrize(
    "cause", [AdminShutdown(), PsycopgOperationalError("the connection is lost"), None]
)
def test_a_job_that_loses_postgresql_is_left_to_its_lease(
    job: Job, cause: Exception | None
) -> None:
    def lose_postgresql(environment: Environment, job: ClaimedJob) -> None:
        raise (InterfaceError() if cause is None else OperationalError()) from cause

    left = run(task(lose_postgresql), job)
    assert (left.state, left.error) == ("running", "")


def test_a_statement_that_takes_too_long_is_a_failure(job: Job) -> None:
    def take_too_long(environment: Environment, job: ClaimedJob) -> None:
        raise OperationalError from QueryCanceled()

    assert run(task(take_too_long), job).state == "queued"


def test_a_reason_for_the_tenant_ends_the_job_at_once(acorn: Environment) -> None:
    told: list[str] = []

    def decline(environment: Environment, job: ClaimedJob) -> None:
        raise JobFailedError("Send events first.")

    declined = run(
        task(decline, on_failure=lambda _env, _job, reason: told.append(reason)), queued(acorn)
    )
    assert (declined.state, declined.error) == ("failed", "Send events first.")
    assert told == ["Send events first."]


def test_what_takes_too_much_memory_is_not_tried_again(job: Job) -> None:
    def swallow(environment: Environment, job: ClaimedJob) -> None:
        raise MemoryError

    assert run(task(swallow), job).state == "failed"


def test_a_job_lost_with_every_worker_only_tells_that_it_has_ended(acorn: Environment) -> None:
    told: list[str] = []
    lost = queued(acorn, attempts=3)
    given_up = run(
        task(write_ref_and_finish, on_failure=lambda _env, _job, reason: told.append(reason)), lost
    )
    assert given_up.state == "failed"
    assert told == ["It stopped our worker each time it was tried."]
    assert refs_of(acorn) == []


def test_a_job_whose_environment_is_gone_ends(job: Job, acorn: Environment) -> None:
    Environment.objects.filter(pk=acorn.pk).update(deleted_at=timezone.now())
    assert run(task(write_ref_and_finish), job).state == "failed"


def test_the_same_work_is_queued_once_ever_or_once_at_a_time(acorn: Environment) -> None:
    def enqueue(**keys: Any) -> int | None:
        return enqueue_job(kind=KIND, environment_id=acorn.pk, **keys)

    assert enqueue(dedupe_key="look:1:2026-11-21") is not None
    assert enqueue(dedupe_key="look:1:2026-11-21") is None
    only = enqueue(exclusive_key="train:1")
    assert only is not None
    assert enqueue(exclusive_key="train:1") is None
    finish_job(claimed(Job.objects.get(pk=only)))
    assert enqueue(exclusive_key="train:1") is not None
