"""A feed's runs: a new file is imported, the same one is not, and what fails is tried again."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.utils import timezone

from engine import tasks
from engine.models.imports import Import
from engine.services import create_feed as creating
from engine.services import run_feed as running
from engine.services.change_feed import change_feed
from engine.services.create_feed import create_feed
from engine.services.delete_feed import delete_feed
from engine.services.fail_feed import FIRST_RETRY, fail_feed
from engine.services.queue_due_feeds import queue_due_feeds
from engine.services.remove_old_artifacts import artifacts_of
from engine.services.request_feed_run import request_feed_run
from saas.lib.destinations import Network
from saas.lib.safe_fetch import fetch
from tenants.context import in_environment, on_platform
from tenants.models.environment import Environment
from tenants.models.feed import Feed
from tenants.models.job import Job
from tenants.models.tenant import Tenant
from tests.engine.importing import lost_after_the_commit, run_jobs, the_import
from tests.saas.lib.https_server import HOST, LOOPBACK, HttpsServer, file_answer
from tests.webhooks import make_webhook, told

ITEMS = b"id,title\nlamp,Lamp\nvase,Vase\n"
URL = f"https://{HOST}/items.csv"


class Shop:
    """What the shop's server says; each test changes it."""

    def __init__(self) -> None:
        self.answer = file_answer(ITEMS, headers='ETag: "v1"\r\n')
        self.server = HttpsServer(self._say)

    def _say(self, connection: Any, _head: str) -> None:
        connection.sendall(self.answer)
        connection.unwrap().close()


@pytest.fixture
def shop(acorn: Environment, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    shop = Shop()
    network = shop.server.network()
    monkeypatch.setattr(running, "fetch", _through(network))
    monkeypatch.setattr(creating, "check_url", lambda _url: None)
    monkeypatch.setattr("engine.services.change_feed.check_url", lambda _url: None)
    yield shop
    shop.server.stop()
    shutil.rmtree(artifacts_of(acorn.pk), ignore_errors=True)


def _through(network: Network) -> Any:
    def through(url: str, **options: Any) -> Any:
        return fetch(url, **options | {"network": network})

    return through


def make_feed(environment: Environment, **options: Any) -> Feed:
    with in_environment(environment):
        return create_feed(
            environment=environment,
            **{
                "url": URL,
                "kind": "items",
                "file_format": "auto",
                "mode": "incremental",
                "every": "24h",
                "time_zone": None,
                "mapping": {},
                **options,
            },
        )


def run(feed: Feed) -> Feed:
    """Run the feed's queued job as a worker would, and look at the feed."""
    with on_platform():
        for job in Job.objects.filter(kind="engine.tasks.run_feed", state="queued"):
            tasks.run_feed(job_id=job.pk, environment_id=feed.environment_id)
    return look(feed)


def look(feed: Feed) -> Feed:
    with on_platform():
        return Feed.objects.get(pk=feed.pk)


def make_due(feed: Feed) -> datetime:
    """Let the feed's time come, and queue its run; return when it was due."""
    with on_platform():
        # A time of a feed is queued once, ever, and the tests' times lie close together.
        Job.objects.filter(state="done").delete()
        due = timezone.now() - timedelta(seconds=90)
        Feed.objects.filter(pk=feed.pk).update(next_run_at=due)
    assert queue_due_feeds() == 1
    return due


def jobs() -> int:
    with on_platform():
        return Job.objects.filter(kind="engine.tasks.run_feed", state="queued").count()


@pytest.fixture(autouse=True)
def no_uploads_of_others(acorn: Environment) -> None:
    shutil.rmtree(artifacts_of(acorn.pk) / "imports", ignore_errors=True)


def folders(environment: Environment) -> list[str]:
    return [path.name for path in artifacts_of(environment.pk).glob("imports/*")]


def test_a_new_feed_is_fetched_at_once_and_imported(acorn: Environment, shop: Shop) -> None:
    feed = make_feed(acorn)
    assert (feed.run_status, jobs()) == ("queued", 1)
    feed = run(feed)
    assert (feed.run_status, feed.run_bytes, feed.etag) == ("completed", len(ITEMS), '"v1"')
    assert feed.run_started_at is not None
    assert feed.run_finished_at is not None
    assert feed.import_id is not None
    run_jobs(acorn)
    taken = the_import(acorn, feed.import_id)
    assert (taken.status, taken.created) == ("completed", 2)


def test_the_options_of_a_feed_are_those_of_its_import(acorn: Environment, shop: Shop) -> None:
    feed = run(make_feed(acorn, mode="full", time_zone="Europe/Berlin", mapping={"title": "Name"}))
    taken = the_import(acorn, feed.import_id or "")
    assert (taken.kind, taken.format, taken.mode) == ("items", "auto", "full")
    assert (taken.timezone, taken.mapping) == ("Europe/Berlin", {"title": "Name"})


def test_a_file_that_the_server_says_is_unchanged_is_not_read(
    acorn: Environment, shop: Shop
) -> None:
    feed = run(make_feed(acorn))
    run_jobs(acorn)
    make_due(feed)
    shop.answer = b"HTTP/1.1 304 Not Modified\r\n\r\n"
    again = run(feed)
    assert (again.run_status, again.import_id) == ("unchanged", feed.import_id)
    assert 'If-None-Match: "v1"' in shop.server.heads[1]
    assert len(folders(acorn)) == 1


def test_a_file_with_the_same_bytes_is_not_imported_again(acorn: Environment, shop: Shop) -> None:
    shop.answer = file_answer(ITEMS)
    feed = run(make_feed(acorn))
    run_jobs(acorn)
    make_due(feed)
    again = run(feed)
    assert (again.run_status, again.import_id) == ("unchanged", feed.import_id)
    shop.answer = file_answer(ITEMS + b"pan,Pan\n")
    make_due(feed)
    changed = run(feed)
    assert changed.run_status == "completed"
    assert changed.import_id != feed.import_id


def test_a_run_by_hand_reads_an_unchanged_file(acorn: Environment, shop: Shop) -> None:
    feed = run(make_feed(acorn))
    run_jobs(acorn)
    with in_environment(acorn):
        request_feed_run(feed)
    again = run(feed)
    assert again.run_status == "completed"
    assert again.import_id != feed.import_id
    assert "If-None-Match" not in shop.server.heads[1]


def test_a_file_whose_import_failed_is_read_again(acorn: Environment, shop: Shop) -> None:
    feed = run(make_feed(acorn))
    with in_environment(acorn):
        Import.objects.filter(pk=feed.import_id).update(status="failed")
    make_due(feed)
    again = run(feed)
    assert again.run_status == "completed"
    assert again.import_id != feed.import_id


def test_runs_do_not_pile_up_behind_an_import(acorn: Environment, shop: Shop) -> None:
    feed = run(make_feed(acorn))
    make_due(feed)
    again = run(feed)
    assert (again.run_status, again.run_error_code) == ("skipped", "import_running")
    assert f"'{feed.import_id}'" in (again.run_error or "")
    assert (len(shop.server.heads), again.failures) == (1, 0)
    run_jobs(acorn)
    make_due(feed)
    assert run(feed).run_status == "unchanged"


def test_a_newer_file_takes_the_place_of_one_that_waits(acorn: Environment, shop: Shop) -> None:
    many = b"".join(b"i%d,T\n" % number for number in range(10))
    shop.answer = file_answer(b"id,title\n" + many)
    feed = run(make_feed(acorn, mode="full"))
    run_jobs(acorn)
    shop.answer = file_answer(b"id,title\ni1,T\n")
    make_due(feed)
    waiting = run(feed)
    run_jobs(acorn)
    assert the_import(acorn, waiting.import_id or "").status == "needs_confirmation"
    shop.answer = file_answer(b"id,title\n" + many + b"i10,T\n")
    make_due(feed)
    newest = run(feed)
    assert newest.run_status == "completed"
    run_jobs(acorn)
    assert the_import(acorn, waiting.import_id or "").status == "cancelled"
    taken = the_import(acorn, newest.import_id or "")
    assert (taken.status, taken.deleted) == ("completed", 0)


def test_a_failed_run_says_why_and_is_tried_again_sooner(acorn: Environment, shop: Shop) -> None:
    shop.answer = b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"
    make_webhook(acorn)
    feed = run(make_feed(acorn))
    assert (feed.run_status, feed.run_error_code, feed.failures) == ("failed", "fetch_failed", 1)
    assert f"'{HOST}' answered 503 Service Unavailable" in (feed.run_error or "")
    assert feed.run_finished_at is not None
    assert feed.next_run_at == feed.run_finished_at + FIRST_RETRY
    for failures in range(2, 9):
        make_due(feed)
        feed = run(feed)
        assert feed.failures == failures
        wait = feed.next_run_at - (feed.run_finished_at or feed.created_at)
        assert wait <= min(FIRST_RETRY * 2 ** (failures - 1), feed.interval)
    ((event_type, data),) = told(acorn)
    assert (event_type, data["id"], data["code"]) == ("feed.failed", feed.pk, "fetch_failed")
    assert folders(acorn) == []
    shop.answer = file_answer(ITEMS)
    make_due(feed)
    feed = run(feed)
    assert (feed.run_status, feed.run_error, feed.failures) == ("completed", None, 0)


def test_a_url_is_checked_again_at_each_run(
    acorn: Environment, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    feed = make_feed(acorn, url="https://93.184.215.14/items.csv")
    with on_platform():
        # As if the name led inside by now.
        Feed.objects.filter(pk=feed.pk).update(url=f"https://{LOOPBACK}:{shop.server.port}/")
    feed = run(feed)
    assert (feed.run_status, feed.run_error_code) == ("failed", "url_not_allowed")
    assert shop.server.heads == []


def test_a_bomb_is_unpacked_no_further_than_an_import_may_be(
    acorn: Environment, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    import gzip

    monkeypatch.setattr("engine.files.byte_source.MAX_FILE_BYTES", 2**20)
    shop.answer = file_answer(gzip.compress(b"id,title\n" + bytes(2**22)))
    feed = run(make_feed(acorn))
    run_jobs(acorn)
    taken = the_import(acorn, feed.import_id or "")
    assert taken.status == "failed"
    assert "Unpacked, the file has more than" in (taken.error or "")


def test_a_feed_that_is_deleted_in_the_midst_of_a_run_imports_nothing(
    acorn: Environment, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed = make_feed(acorn)
    delete = partial(delete_feed, environment=acorn, feed_id=feed.pk)
    _meanwhile(monkeypatch, shop, delete, acorn)
    with on_platform():
        job = Job.objects.get(kind="engine.tasks.run_feed")
        tasks.run_feed(job_id=job.pk, environment_id=acorn.pk)
        assert Job.objects.get(pk=job.pk).state == "done"
    with in_environment(acorn):
        assert not Import.objects.exists()
    assert folders(acorn) == []


def test_a_feed_that_is_changed_in_the_midst_of_a_run_runs_again(
    acorn: Environment, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed = make_feed(acorn)
    change = partial(
        change_feed, environment=acorn, feed_id=feed.pk, changes={"url": f"{URL}?other"}
    )
    with monkeypatch.context() as meanwhile:
        _meanwhile(meanwhile, shop, change, acorn)
        feed = run(feed)
    assert (feed.run_status, feed.import_id, jobs()) == ("queued", None, 1)
    feed = run(feed)
    assert feed.run_status == "completed"
    assert shop.server.heads[1].startswith("GET /items.csv?other ")
    assert len(folders(acorn)) == 1


def test_a_file_whose_commit_was_answered_by_nobody_is_kept(
    acorn: Environment, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "in_environment", lost_after_the_commit)
    feed = run(make_feed(acorn))
    assert feed.import_id is not None
    assert folders(acorn) == [feed.import_id]


def _meanwhile(
    monkeypatch: pytest.MonkeyPatch, shop: Shop, act: Any, environment: Environment
) -> None:
    network = shop.server.network()

    def fetch_meanwhile(url: str, **options: Any) -> Any:
        fetched = fetch(url, **options | {"network": network})
        with in_environment(environment):
            act()
        return fetched

    monkeypatch.setattr(running, "fetch", fetch_meanwhile)


def test_a_change_forgets_what_was_known_of_the_file(acorn: Environment, shop: Shop) -> None:
    feed = run(make_feed(acorn))
    with in_environment(acorn):
        changed = change_feed(environment=acorn, feed_id=feed.pk, changes={"every": "1h"})
    assert (changed.etag, jobs()) == ('"v1"', 0)
    assert changed.next_run_at < feed.next_run_at
    with in_environment(acorn):
        changed = change_feed(environment=acorn, feed_id=feed.pk, changes={"mode": "full"})
    assert (changed.etag, changed.digest, jobs()) == (None, None, 1)


def test_the_clock_queues_a_due_feed_once_and_keeps_its_times(
    acorn: Environment, shop: Shop
) -> None:
    feed = run(make_feed(acorn, every="1h"))
    assert queue_due_feeds() == 0
    due = make_due(feed)
    assert look(feed).next_run_at == due + timedelta(hours=1)
    assert queue_due_feeds() == 0
    missed = timezone.now() - timedelta(hours=5, minutes=10)
    with on_platform():
        Feed.objects.filter(pk=feed.pk).update(next_run_at=missed)
    assert queue_due_feeds() == 0, "the run that is queued stands for this one"
    assert look(feed).next_run_at == missed + timedelta(hours=6)
    assert jobs() == 1


def test_the_clock_leaves_suspended_stores_alone(acorn: Environment, shop: Shop) -> None:
    feed = run(make_feed(acorn))
    with on_platform():
        Feed.objects.filter(pk=feed.pk).update(next_run_at=timezone.now() - timedelta(hours=1))
        Tenant.objects.filter(pk=acorn.tenant_id).update(status="suspended")
    assert queue_due_feeds() == 0


def test_a_run_that_stops_its_worker_each_time_is_a_failed_run(
    acorn: Environment, shop: Shop
) -> None:
    feed = make_feed(acorn)
    with on_platform():
        Job.objects.filter(kind="engine.tasks.run_feed").update(attempts=3)
    feed = run(feed)
    assert (feed.run_status, feed.run_error_code, feed.failures) == ("failed", "internal_error", 1)


def test_failing_a_feed_that_is_gone_is_nothing(acorn: Environment) -> None:
    fail_feed(environment=acorn, feed_id="0" * 26, code="fetch_failed", reason="Nobody knows.")
