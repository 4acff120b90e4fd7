"""The worker's and the dispatcher's processes: ready when they say so, limited, ended in order."""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.jobs import TRAINING_JOB
from saas.celery import publish, waiting_messages
from saas.embedded.ports import free_port
from saas.lib.redis_client import redis_client
from tenants.context import on_platform
from tenants.jobs import MAIL_JOB, STORE_JOB
from tenants.models.job import Job
from tests.chaos.processes import PROJECT, Process, wait_for
from tests.conftest import Store

GREEDY = """
import os
import numpy
from saas.celery import _limit_child
print(os.environ["OPENBLAS_NUM_THREADS"], os.environ["OMP_NUM_THREADS"])
_limit_child()
numpy.zeros(100 * 2**20, dtype="u1") + 1
print("100 MB are there")
try:
    numpy.zeros(900 * 2**20, dtype="u1") + 1
except MemoryError:
    print("900 MB are not")
"""


def ask(port: int, path: str) -> str | None:
    """Return the answer's body, or `None` where there is no good one."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as response:
            return str(response.read().decode())
    except (urllib.error.URLError, http.client.HTTPException, OSError):
        return None


@pytest.fixture
def no_jobs_left(acorn_store: Store) -> Iterator[None]:
    """What the dispatcher queues is committed, for every store of the tests."""
    yield
    with on_platform():
        Job.objects.all().delete()


@pytest.mark.parametrize(
    ("arguments", "metric"),
    [
        (("-m", "saas.worker", "--concurrency", "1"), "shelfwise_worker_active_tasks"),
        (("manage.py", "dispatch"), "shelfwise_oldest_due_job_seconds"),
    ],
    ids=["worker", "dispatcher"],
)
def test_it_answers_operators_and_ends_at_sigterm(
    no_jobs_left: None, tmp_path: Path, arguments: tuple[str, ...], metric: str
) -> None:
    port = free_port()
    process = Process(
        *arguments,
        log=tmp_path / "log",
        environment={"SHELFWISE_MANAGEMENT_PORT": str(port), "SHELFWISE_JOB_LEASE_SECONDS": "2"},
    )
    try:
        ready = wait_for("the process to be ready", lambda: ask(port, "/readyz"))
        assert '"ready": true' in ready
        assert metric in (ask(port, "/metrics") or "")
        assert process.stop() == 0
    finally:
        process.kill()


def test_a_task_gets_the_memory_and_threads_of_the_settings_and_no_more() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", GREEDY],
        cwd=PROJECT,
        env={**os.environ, "SHELFWISE_WORKER_MEMORY_MB": "600"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.stdout.splitlines() == ["1 1", "100 MB are there", "900 MB are not"], ended.stderr


def test_messages_are_counted_where_celery_puts_them(acorn_store: Store) -> None:
    queues = [f"sw:celery:{queue}" for queue in ("default", "mail", "long", "owner")]
    redis_client().delete(*queues)
    publish("tests.quick", {"job_id": 1})
    publish("tests.quick", {"job_id": 2})
    publish(TRAINING_JOB, {"job_id": 3})
    publish(STORE_JOB, {"job_id": 4})
    publish(MAIL_JOB, {"job_id": 5})
    assert waiting_messages() == {"default": 2, "mail": 1, "long": 1, "owner": 1}
    redis_client().delete(*queues)
