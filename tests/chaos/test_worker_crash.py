"""A training survives the death of its worker, and takes effect once."""

from __future__ import annotations

import secrets
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest

from engine.models.training import ModelVersion, TrainingRun
from engine.services.remove_old_artifacts import artifacts_of
from engine.services.request_training import request_training
from saas.lifecycle.delete_tenant import delete_tenant
from tenants.context import in_environment, on_platform
from tenants.models.audit_event import AuditEvent
from tenants.models.environment import Environment
from tenants.models.job import Job
from tests.chaos.processes import Process, wait_for
from tests.conftest import as_owner, make_store
from tests.engine.small_store import fill_store

# Short, so that a dead worker is missed soon; the dispatcher looks each second.
LEASE_SECONDS = 1.5
ENVIRONMENT = {
    "SHELFWISE_JOB_LEASE_SECONDS": str(LEASE_SECONDS),
    "SHELFWISE_MANAGEMENT_PORT": "0",
}


@dataclass
class Workers:
    """Two workers, so that one is there when the other is not."""

    folder: Path
    processes: list[Process] = field(default_factory=list)

    def ensure_two(self) -> None:
        """Start what is missing and wait until both take messages."""
        self.processes = [process for process in self.processes if process.is_alive()]
        while len(self.processes) < 2:
            log = self.folder / f"worker-{secrets.token_hex(3)}.log"
            self.processes.append(
                Process("-m", "saas.worker", "--concurrency", "1", log=log, environment=ENVIRONMENT)
            )
        for process in self.processes:
            wait_for("a worker to be ready", partial(process.has_logged, "worker_ready"))

    def of_attempt(self, number: int, run_id: str) -> Process:
        """Return the worker that runs this attempt."""
        started = f'"run": "{run_id}", "attempt": {number}'
        return wait_for(
            f"attempt {number} of {run_id}",
            lambda: next((each for each in self.processes if each.has_logged(started)), None),
        )


@pytest.fixture(scope="module")
def workers(migrated: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workers]:
    folder = tmp_path_factory.mktemp("workers")
    dispatcher = Process(
        "manage.py", "dispatch", log=folder / "dispatcher.log", environment=ENVIRONMENT
    )
    workers = Workers(folder)
    try:
        workers.ensure_two()
        yield workers
    finally:
        for process in workers.processes:
            process.kill()
        dispatcher.kill()
        with on_platform():
            Job.objects.all().delete()


@pytest.fixture
def store(workers: Workers) -> Iterator[Environment]:
    """A store of its own, committed; it goes with everything that the dispatcher made of it."""
    name = f"Crash Test {secrets.token_hex(3)}"
    environment = make_store(name).live
    fill_store(environment, shoppers=400, views=20)
    yield environment
    with as_owner():
        delete_tenant(
            slug=name.lower().replace(" ", "-"), actor="command", reason="the test is over"
        )


def start_training(environment: Environment) -> str:
    with in_environment(environment):
        return request_training(environment=environment)


def is_learning(environment: Environment, run_id: str) -> bool:
    """Say whether the training has begun to learn from what it read."""
    with in_environment(environment):
        run = TrainingRun.objects.get(pk=run_id)
    assert run.status in {"queued", "running"}, run.error
    return run.stage not in {"", "reading"}


def is_over(environment: Environment, run_id: str) -> bool:
    with in_environment(environment):
        run = TrainingRun.objects.get(pk=run_id)
    assert run.status != "failed", run.error
    return run.status == "completed"


def assert_it_took_effect_once(environment: Environment, run_id: str, *, attempts: int) -> None:
    with in_environment(environment):
        run = TrainingRun.objects.get(pk=run_id)
        versions = list(ModelVersion.objects.values_list("version", flat=True))
    with on_platform():
        job = Job.objects.get(kind="engine.tasks.train_model", environment=environment)
        live = Environment.objects.get(pk=environment.pk).live_version
        promotions = AuditEvent.objects.filter(
            tenant=environment.tenant_id, action="model_promoted"
        )
        assert [row.object for row in promotions] == [f"model:{live}"]
    assert (job.state, job.attempts) == ("done", attempts)
    assert versions == [run.model_version] == [live]
    files = artifacts_of(environment.pk).iterdir()
    assert [path.name for path in files if path.is_dir()] == versions


def test_a_training_whose_worker_is_killed_finishes_once(
    workers: Workers, store: Environment
) -> None:
    workers.ensure_two()
    run_id = start_training(store)
    holder = workers.of_attempt(1, run_id)
    wait_for("the training to be in its middle", lambda: is_learning(store, run_id))
    holder.kill()
    wait_for("the run to complete", lambda: is_over(store, run_id))
    assert_it_took_effect_once(store, run_id, attempts=2)


def test_a_worker_that_was_only_held_up_changes_nothing_when_it_goes_on(
    workers: Workers, store: Environment
) -> None:
    workers.ensure_two()
    run_id = start_training(store)
    holder = workers.of_attempt(1, run_id)
    wait_for("the training to be in its middle", lambda: is_learning(store, run_id))
    holder.send(signal.SIGSTOP)
    wait_for("the run to complete", lambda: is_over(store, run_id))
    holder.send(signal.SIGCONT)
    has_trained = f'"run": "{run_id}", "version"'
    wait_for(
        "the first worker to end its attempt",
        lambda: holder.has_logged("job_lost") or holder.has_logged(has_trained),
    )
    assert_it_took_effect_once(store, run_id, attempts=2)
