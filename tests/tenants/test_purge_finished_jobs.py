"""Jobs are forgotten some time after they ended, and never before."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from tenants.models.environment import Environment
from tenants.models.job import Job
from tenants.services import purge_finished_jobs as module
from tenants.services.enqueue_job import enqueue_job
from tenants.services.purge_finished_jobs import purge_finished_jobs


def job(environment: Environment, *, state: str, days_ago: float | None = None) -> int:
    job_id = enqueue_job(kind="tests.quick", environment_id=environment.pk)
    assert job_id is not None
    ended = None if days_ago is None else timezone.now() - timedelta(days=days_ago)
    long_ago = timezone.now() - timedelta(days=400)
    Job.objects.filter(pk=job_id).update(state=state, finished_at=ended, created_at=long_ago)
    return job_id


def test_what_is_done_stays_for_30_days_and_what_failed_for_100(acorn: Environment) -> None:
    job(acorn, state="done", days_ago=30.1)
    job(acorn, state="failed", days_ago=100.1)
    kept = [
        job(acorn, state="done", days_ago=29.9),
        job(acorn, state="failed", days_ago=99.9),
        job(acorn, state="queued"),
        job(acorn, state="running"),
    ]
    assert purge_finished_jobs() == 2
    assert sorted(Job.objects.values_list("pk", flat=True)) == kept


def test_a_busy_days_jobs_go_in_several_steps(
    acorn: Environment, nested_loops_only: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_AT_ONCE", 2)
    for _ in range(3):
        job(acorn, state="done", days_ago=31)
    assert [purge_finished_jobs() for _ in range(3)] == [2, 1, 0]
