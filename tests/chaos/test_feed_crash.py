"""A feed whose worker is killed in the midst of the download is fetched and imported once."""

from __future__ import annotations

import secrets
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine import tasks
from engine.models.imports import Import
from engine.models.item import Item
from engine.services import create_feed as creating
from engine.services import run_feed as running
from engine.services.remove_old_artifacts import artifacts_of
from saas.lib.safe_fetch import fetch
from saas.lifecycle.delete_tenant import delete_tenant
from tenants.context import in_environment, on_platform
from tenants.models.feed import Feed
from tenants.models.job import Job
from tenants.services.dispatch_jobs import requeue_lost_jobs
from tests.chaos.processes import Process, wait_for
from tests.conftest import Store, as_owner, make_store
from tests.engine.importing import run_jobs
from tests.saas.lib.https_server import HOST, certificate, file_answer, serving

ROWS = 1_000
FILE = b"id,title\n" + b"".join(b"i%d,%s\n" % (row, b"Title" * 100) for row in range(ROWS))
# The lease of the dead worker, which nobody renews.
ENVIRONMENT = {"SHELFWISE_JOB_LEASE_SECONDS": "1.5"}


@pytest.fixture
def store(migrated: None) -> Iterator[Store]:
    """A store of its own, committed."""
    name = f"Feed Crash {secrets.token_hex(3)}"
    made = make_store(name)
    yield made
    with as_owner():
        delete_tenant(slug=name.lower().replace(" ", "-"), actor="command", reason="the test ends")


@pytest.fixture
def feed(store: Store, monkeypatch: pytest.MonkeyPatch) -> Feed:
    monkeypatch.setattr(creating, "check_url", lambda _url: None)
    with in_environment(store.live):
        return creating.create_feed(
            environment=store.live,
            url=f"https://{HOST}/items.csv",
            kind="items",
            file_format="auto",
            mode="full",
            every="24h",
            time_zone=None,
            mapping={},
        )


def test_a_feed_whose_worker_is_killed_is_fetched_and_imported_once(
    store: Store, feed: Feed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = store.live
    trusted = tmp_path / "pem"
    trusted.write_bytes(certificate())
    is_first, is_cut = threading.Event(), threading.Event()
    is_first.set()

    def answer(connection: ssl.SSLSocket, _head: str) -> None:
        whole = file_answer(FILE)
        half = len(whole) // 2 if is_first.is_set() else len(whole)
        connection.sendall(whole[:half])
        if is_first.is_set():
            is_first.clear()
            is_cut.wait()
        connection.sendall(whole[half:])
        connection.unwrap().close()

    with on_platform():
        job = Job.objects.get(payload__feed_id=feed.pk)
    with serving(answer) as server:
        killed = Process(
            "tests/chaos/feed_runner.py",
            *(str(job.pk), str(environment.pk), str(server.port), str(trusted)),
            log=tmp_path / "killed",
            environment=ENVIRONMENT,
        )
        try:
            wait_for("half of the file to be there", lambda: _bytes(environment.pk) > 100_000)
        finally:
            killed.kill()
            is_cut.set()
        assert _job(job.pk).state == "running"
        with in_environment(environment):
            assert not Import.objects.exists()
        wait_for("the lease to end", requeue_lost_jobs)
        network = server.network()
        monkeypatch.setattr(
            running, "fetch", lambda url, **options: fetch(url, **options | {"network": network})
        )
        tasks.run_feed(job_id=job.pk, environment_id=environment.pk)
    assert _job(job.pk).state == "done"
    run_jobs(environment)
    with on_platform():
        feed.refresh_from_db()
    assert (feed.run_status, feed.run_bytes, feed.failures) == ("completed", len(FILE), 0)
    with in_environment(environment):
        (taken,) = Import.objects.all()
        assert (taken.pk, taken.status, taken.created) == (feed.import_id, "completed", ROWS)
        assert Item.objects.count() == ROWS


def _bytes(environment_id: int) -> int:
    files = artifacts_of(environment_id).glob("imports/*/upload")
    return sum(file.stat().st_size for file in files)


def _job(job_id: int) -> Any:
    with on_platform():
        return Job.objects.get(pk=job_id)
