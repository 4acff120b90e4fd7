"""A store's way from its first key to a metered recommendation, through the real processes."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from billing.models.usage import UsageShipper
from billing.selectors.usage import usage_by_operation
from saas.demo.client import Answer, call
from saas.embedded.ports import free_port
from saas.lifecycle.delete_tenant import delete_tenant
from saas.lifecycle.sample.book_store import ACORN_BOOKS
from saas.lifecycle.sample.store import SMALL, SampleStore, make_sample_store
from tenants.context import on_platform
from tenants.models.job import Job
from tenants.services.suspend_tenant import suspend_tenant
from tests.chaos.processes import Process, wait_for
from tests.conftest import Store, as_owner, make_store


@pytest.fixture
def web(migrated: None, tmp_path: Path) -> Iterator[str]:
    """Web with inference inside, worker, dispatcher and shipper; the URL where they answer."""
    port, management = free_port(), free_port()
    commands = {
        "web": ("-m", "saas.web", "--ports", str(port)),
        "worker": ("-m", "saas.worker", "--concurrency", "1"),
        "dispatcher": ("manage.py", "dispatch"),
        "shipper": ("-m", "billing.metering"),
    }
    processes = [
        Process(
            *command,
            log=tmp_path / f"{name}.log",
            environment={
                "SHELFWISE_PROCESS": name,
                # Not with what other tests' processes have left in theirs.
                "SHELFWISE_USAGE_LOG": str(tmp_path / "usage"),
                "SHELFWISE_MANAGEMENT_PORT": str(management) if name == "web" else "0",
            },
        )
        for name, command in commands.items()
    ]
    try:
        wait_for("the web process to be ready", lambda: _is_ready(management))
        yield f"http://127.0.0.1:{port}"
        assert processes[0].stop() in {0, -15}, "the web process did not stop when it was asked to"
    finally:
        for process in processes:
            process.kill()
        with on_platform():
            Job.objects.all().delete()
            # Killed, it could not take its leave.
            UsageShipper.objects.all().delete()


@pytest.fixture
def store(migrated: None) -> Iterator[Store]:
    made = make_store(f"First Steps {secrets.token_hex(3)}")
    yield made
    with as_owner():
        delete_tenant(slug=made.live.tenant.slug, actor="command", reason="the test is over")


@pytest.fixture
def sample() -> SampleStore:
    ends_at = datetime.now(tz=UTC) - timedelta(hours=1)
    return make_sample_store(spec=ACORN_BOOKS, size=SMALL, ends_at=ends_at, seed=7)


def test_from_the_first_key_to_a_metered_recommendation(
    web: str, store: Store, sample: SampleStore
) -> None:
    def ask(method: str, path: str, body: Any = None) -> Answer:
        return call(method, f"{web}{path}", key=store.key, body=body)

    assert ask("POST", "/v1/recommend/popular", {}).body["items"] == []

    items, events = list(sample.items()), list(sample.events())
    written = ask("POST", "/v1/items:batch", {"items": items}).body
    assert (written["created"], written["rejected"]) == (len(items), 0)
    for start in range(0, len(events), 1000):
        taken = ask("POST", "/v1/events", {"events": events[start : start + 1000]})
        assert taken.status == 202
        assert taken.body["rejected"] == 0

    run = ask("POST", "/v1/models:train", {}).body["training_run_id"]
    finished = wait_for("the training", lambda: _finished(ask("GET", f"/v1/training-runs/{run}")))
    assert finished["status"] == "completed", finished["error"]

    shopper = next(event["user_id"] for event in reversed(events) if "user_id" in event)
    answer = wait_for(
        "the new model to be served",
        lambda: _personal(ask("POST", "/v1/recommend/for-user", {"user_id": shopper})),
        seconds=5,
    )
    assert answer["model"]["version"] == finished["model_version"]
    assert answer["fallback"] is None
    assert answer["items"]

    assert wait_for("the call in the ledger", lambda: _billable_calls(store), seconds=10) >= 1

    suspend_tenant(slug=store.live.tenant.slug, actor="command", reason="a test")
    for path in ("/v1/recommend/popular", "/v1/models:train"):
        refused = wait_for(f"{path} to be refused", partial(_refused, partial(ask, "POST", path)))
        assert refused["code"] == "tenant_suspended"


def _is_ready(port: int) -> bool:
    try:
        return call("GET", f"http://127.0.0.1:{port}/readyz").status == 200
    except OSError:
        return False


def _refused(ask: Callable[[Any], Answer]) -> Any:
    answer = ask({})
    return answer.body if answer.status == 403 else None


def _finished(answer: Answer) -> Any:
    return answer.body if answer.body["status"] in {"completed", "failed"} else None


def _personal(answer: Answer) -> Any:
    return answer.body if answer.body["strategy"] == "personal" else None


def _billable_calls(store: Store) -> int:
    now = datetime.now(tz=UTC)
    with on_platform():
        usage = usage_by_operation(
            environment_id=store.live.pk,
            since=now - timedelta(days=1),
            until=now + timedelta(hours=1),
        )
    return sum(each.units for each in usage)
