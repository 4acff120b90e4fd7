"""What a store does with its models: train, promote, pin and roll back, each by who may."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client
from django.utils import timezone

from engine.models.training import TrainingRun
from saas.lib.ids import new_ulid
from tenants.context import in_environment
from tenants.models.audit_event import AuditEvent
from tenants.models.environment import Environment
from tenants.models.job import Job
from tests.engine.model_versions import add_champions, add_version, live_version
from tests.people import visitor
from tests.saas.portal.exploring import text_of

ATTACK = "<script>alert(1)</script>"


@pytest.fixture
def client(acorn: Environment) -> Client:
    return visitor(acorn.tenant)


def run(environment: Environment, **fields: Any) -> TrainingRun:
    with in_environment(environment):
        return TrainingRun.objects.create(id=new_ulid(), created_at=timezone.now(), **fields)


def test_a_promotion_is_confirmed_and_written_down_with_its_reason(
    client: Client, acorn: Environment
) -> None:
    (champion,) = add_champions(acorn, 1)
    version = add_version(acorn, day=2, verdict="rejected", reason="Finds fewer items.")

    asked = text_of(client, f"/live/models/{version}/promote/")
    answer = client.post(
        f"/live/models/{version}/promote/", {"reason": "The shop asks for it", "pin": "on"}
    )

    assert champion in asked
    assert "Finds fewer items." in asked
    assert (answer.status_code, answer["Location"]) == (302, "/live/models/")
    assert live_version(acorn) == (version, True)
    row = AuditEvent.objects.filter(tenant=acorn.tenant_id, action="model_promoted").latest("id")
    owner = f"person:owner@{acorn.tenant.slug}.example"
    assert (row.actor, row.reason) == (owner, "The shop asks for it")


def test_asking_changes_nothing(client: Client, acorn: Environment) -> None:
    (champion,) = add_champions(acorn, 1)
    version = add_version(acorn, day=2)

    text_of(client, f"/live/models/{version}/promote/")
    text_of(client, "/live/models/rollback/")

    assert live_version(acorn) == (champion, False)


def test_a_version_whose_files_are_gone_is_not_promoted(client: Client, acorn: Environment) -> None:
    (champion,) = add_champions(acorn, 5)
    gone = add_version(acorn, day=2, artifact_removed_at=datetime(2026, 11, 10, tzinfo=UTC))

    assert "promote/" not in text_of(client, f"/live/models/{gone}/")
    answer = client.post(f"/live/models/{gone}/promote/", follow=True)

    assert "were removed on 2026-11-10" in answer.content.decode()
    assert live_version(acorn) == (champion, False)


def test_a_rollback_goes_where_the_page_said(client: Client, acorn: Environment) -> None:
    first, _second = add_champions(acorn, 1, 2)

    asked = text_of(client, "/live/models/rollback/")
    client.post("/live/models/rollback/", {"version": first, "reason": "Odd lists", "pin": "on"})

    assert f'value="{first}"' in asked
    assert live_version(acorn) == (first, True)
    row = AuditEvent.objects.filter(tenant=acorn.tenant_id, action="model_rolled_back").latest("id")
    assert row.reason == "Odd lists"


def test_there_is_no_rollback_from_the_first_version(client: Client, acorn: Environment) -> None:
    add_champions(acorn, 1)

    assert "Roll back" not in text_of(client, "/live/models/")
    assert "no version to go back to" in text_of(client, "/live/models/rollback/")


def test_a_pinned_version_can_be_unpinned(client: Client, acorn: Environment) -> None:
    (champion,) = add_champions(acorn, 1)
    client.post(f"/live/models/{champion}/promote/", {"pin": "on"})

    assert "is pinned" in text_of(client, "/live/models/")
    client.post("/live/models/unpin/")

    assert live_version(acorn) == (champion, False)
    row = AuditEvent.objects.filter(tenant=acorn.tenant_id).latest("id")
    assert (row.action, row.before["is_pinned"]) == ("model_unpinned", True)


def test_unpinning_what_is_not_pinned_writes_nothing_down(acorn: Environment) -> None:
    client = visitor(acorn.tenant)
    add_champions(acorn, 1)
    before = AuditEvent.objects.count()

    client.post("/live/models/unpin/")

    assert AuditEvent.objects.count() == before


def test_train_now_queues_one_training_and_shows_it(client: Client, acorn: Environment) -> None:
    client.post("/live/models/train/")
    page = client.post("/live/models/train/", follow=True).content.decode()

    assert Job.objects.filter(environment_id=acorn.pk).count() == 1
    assert "A training is queued" in page
    assert 'hx-get="/live/models/training/"' in page


def test_progress_is_asked_for_until_the_training_ends(client: Client, acorn: Environment) -> None:
    row = run(
        acorn,
        status="running",
        stage="selecting, lightfm epoch 12 of 42",
        progress=0.4,
        started_at=timezone.now(),
        rows=1_200,
        seconds_budget=12.0,
    )
    headers = {"HX-Request": "true"}

    going = client.get("/live/models/training/", headers=headers)
    with in_environment(acorn):
        TrainingRun.objects.filter(pk=row.pk).update(status="completed", stage="done")
    ended = client.get("/live/models/training/", headers=headers)

    assert "Choosing settings (lightfm epoch 12 of 42)" in going.content.decode()
    assert 'value="40"' in going.content.decode()
    assert "of the 12 s" in going.content.decode()
    assert ended["HX-Refresh"] == "true"


def test_a_failed_training_says_why_and_asks_no_more(client: Client, acorn: Environment) -> None:
    run(acorn, status="failed", error=f"Too few events {ATTACK}; send more.")

    page = text_of(client, "/live/models/")

    assert "Too few events &lt;script&gt;" in page
    assert "every 1s" not in page


@pytest.mark.parametrize("role", ["analyst", "developer"])
def test_who_may_not_run_models_sees_no_button_and_cannot(acorn: Environment, role: str) -> None:
    client = visitor(acorn.tenant, role)
    first, version = add_champions(acorn, 1, 2)
    may = role == "developer"

    page = text_of(client, "/live/models/") + text_of(client, f"/live/models/{version}/")

    for button in ("Train now", "Roll back", ">Pin<"):
        assert (button in page) is may
    for path in ("train/", "unpin/", "rollback/", f"{version}/promote/"):
        answer = client.post(f"/live/models/{path}", {"version": first})
        assert answer.status_code == (302 if may else 403)


@pytest.mark.parametrize("version", ["nothing", "\x00", "..", "01KVERSIONOFNOVEMBER000099"])
def test_odd_versions_are_not_found(client: Client, acorn: Environment, version: str) -> None:
    _, champion = add_champions(acorn, 1, 2)
    path = quote(version, safe="")

    for page in (f"{path}/", f"{path}/promote/", f"compare/result/?a={path}&b="):
        assert client.get(f"/live/models/{page}").status_code == 404
    assert client.get(f"/live/models/?before={path}").status_code == 200
    client.post("/live/models/rollback/", {"version": version, "reason": "\x00"})
    assert live_version(acorn) == (champion, False)
