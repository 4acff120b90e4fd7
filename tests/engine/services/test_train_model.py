"""A training run from its request to what is served, on real data and the real trainer."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from engine.core import trainer
from engine.core.artifact import open_artifact
from engine.core.errors import NotEnoughData
from engine.core.gate import GateDecision
from engine.core.trained_model import TrainedModel
from engine.jobs import TRAINING_JOB
from engine.models.training import ModelVersion, TrainingRun
from engine.services.remove_old_artifacts import artifacts_of
from engine.services.request_training import request_training
from tenants.context import in_environment, on_platform
from tenants.models.audit_event import AuditEvent
from tenants.models.environment import Environment
from tenants.models.job import Job
from tenants.models.tenant import Entitlement
from tenants.services.dispatch_jobs import requeue_lost_jobs
from tests.engine.model_versions import NOVEMBER, add_champions, add_version, live_version
from tests.engine.small_store import fill_store
from tests.engine.training import train
from tests.webhooks import make_webhook, told

Report = Callable[[str, float], None]


@pytest.fixture(autouse=True)
def no_artifacts(acorn: Environment) -> Iterator[None]:
    """Files are not rolled back with the database."""
    yield
    shutil.rmtree(artifacts_of(acorn.pk), ignore_errors=True)


@pytest.fixture
def shop(acorn: Environment) -> Environment:
    """Acorn with a little data: enough for a model, too little for a proof."""
    fill_store(acorn, shoppers=40, views=8)
    return acorn


def versions(environment: Environment) -> list[ModelVersion]:
    with in_environment(environment):
        return list(ModelVersion.objects.order_by("version"))


def job_of(environment: Environment) -> Job:
    with on_platform():
        return Job.objects.get(environment=environment, kind=TRAINING_JOB)


@pytest.fixture
def gate_says_no(monkeypatch: pytest.MonkeyPatch) -> None:
    learn = trainer.train_model

    def reject(**arguments: Any) -> TrainedModel:
        return replace(learn(**arguments), gate=GateDecision(promote=False, reason="Worse."))

    monkeypatch.setattr(trainer, "train_model", reject)


def replace_trainer(
    monkeypatch: pytest.MonkeyPatch, report: Callable[[Report], None]
) -> list[dict[str, Any]]:
    """Put a trainer in place that reports as told, learns nothing, and keeps what it was given."""
    given: list[dict[str, Any]] = []

    def decline(**arguments: Any) -> TrainedModel:
        given.append(arguments)
        report(arguments["report_progress"])
        raise NotEnoughData("Send events first.")

    monkeypatch.setattr(trainer, "train_model", decline)
    return given


def test_a_run_whose_last_worker_said_nothing_does_not_hold_up_the_next(
    acorn: Environment,
) -> None:
    with in_environment(acorn):
        lost = request_training(environment=acorn)
        TrainingRun.objects.update(status="running")
    with on_platform():
        Job.objects.update(state="running", attempts=4, lease_until=timezone.now() - timedelta(1))
        assert requeue_lost_jobs() == 1
    with in_environment(acorn):
        assert request_training(environment=acorn) != lost
        run = TrainingRun.objects.get(pk=lost)
    assert (run.status, run.error) == (
        "failed",
        "It stopped our worker each time it was tried.",
    )


def test_the_first_model_goes_live_and_its_artifact_can_be_opened(shop: Environment) -> None:
    run = train(shop)
    (version,) = versions(shop)
    assert (run.status, run.stage, run.progress, run.error) == ("completed", "done", 1.0, None)
    assert (run.model_version, run.rows) == (version.version, 40 * 8)
    assert live_version(shop) == (version.version, False)
    assert version.verdict == "promoted"
    assert version.metrics.keys() >= {"ndcg@10", "recall@20", "mrr"}
    assert version.strata.keys() >= {"warm", "history 5-19", "category: Shelf 1"}
    artifact = open_artifact(artifacts_of(shop.pk) / version.version, verify=True)
    assert (artifact.n_items, artifact.n_users) == (60, 40)
    assert job_of(shop).state == "done"
    with on_platform():
        audited = AuditEvent.objects.get(tenant=shop.tenant_id, action="model_promoted")
    assert (audited.actor, audited.object) == (
        f"job:{job_of(shop).pk}",
        f"model:{version.version}",
    )


def test_a_store_without_events_is_told_what_is_missing(acorn: Environment) -> None:
    (champion,) = add_champions(acorn, 1)
    written_before = _written(acorn)
    make_webhook(acorn)
    run = train(acorn)
    assert run.status == "failed"
    assert run.error is not None
    assert "Send events" in run.error
    assert run.finished_at is not None
    assert live_version(acorn) == (champion, False)
    assert (job_of(acorn).state, job_of(acorn).exclusive_key) == ("failed", None)
    assert _written(acorn) == written_before
    data = {"training_run_id": run.pk, "detail": run.error}
    assert told(acorn) == [("training.failed", data)]


def _written(environment: Environment) -> list[Path]:
    return sorted(artifacts_of(environment.pk).rglob("*"))


def test_what_the_gate_refuses_is_kept_but_not_served(
    shop: Environment, gate_says_no: None
) -> None:
    (champion,) = add_champions(shop, 1)
    make_webhook(shop)
    run = train(shop)
    assert run.status == "completed"
    (rejected,) = (each for each in versions(shop) if each.version != champion)
    assert (rejected.verdict, rejected.reason) == ("rejected", "Worse.")
    assert live_version(shop) == (champion, False)
    data = {"version": rejected.version, "live": champion, "reason": "Worse."}
    assert told(shop) == [("model.rejected", data)]


def test_a_store_too_large_for_the_workers_memory_is_told_so_and_keeps_its_model(
    shop: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_large(**arguments: object) -> TrainedModel:
        raise MemoryError

    train(shop)
    before = live_version(shop)
    monkeypatch.setattr(trainer, "train_model", too_large)
    run = train(shop)
    assert run.status == "failed"
    assert run.error is not None
    assert "more memory" in run.error
    assert live_version(shop) == before


def test_a_pinned_version_stays_live(shop: Environment) -> None:
    (champion,) = add_champions(shop, 1)
    with on_platform():
        Environment.objects.filter(pk=shop.pk).update(is_pinned=True)
    train(shop)
    assert live_version(shop) == (champion, True)
    assert "pinned" in versions(shop)[-1].reason


def test_the_champions_recipe_is_what_the_next_training_is_compared_with(
    shop: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    train(shop)
    (champion,) = versions(shop)
    given = replace_trainer(monkeypatch, lambda report: None)
    train(shop)
    assert given[0]["champion"].to_dict() == champion.recipe


def test_a_champion_of_another_format_is_not_compared_with(
    shop: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_champions(shop, 1)
    given = replace_trainer(monkeypatch, lambda report: None)
    train(shop)
    assert given[0]["champion"] is None


def test_the_tenants_entitlement_is_the_time_budget(
    shop: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    with on_platform():
        Entitlement.objects.filter(tenant=shop.tenant_id).update(training_seconds=77)
    given = replace_trainer(monkeypatch, lambda report: None)
    train(shop)
    assert given[0]["seconds_budget"] == 77


def test_no_transaction_stays_open_while_it_learns(
    shop: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    depths: list[int] = []
    replace_trainer(monkeypatch, lambda report: depths.append(len(connection.savepoint_ids)))
    outside = len(connection.savepoint_ids)
    train(shop)
    assert depths == [outside]


def test_progress_is_written_at_most_twice_a_second(
    shop: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[str, float]] = []
    now = [1000.0]

    def report_for_a_second(report: Report) -> None:
        for step in range(11):
            now[0] = 1000 + step / 10
            report("fitting", step / 10)
            with in_environment(shop):
                run = TrainingRun.objects.get()
            if (run.stage, run.progress) not in seen:
                seen.append((run.stage, run.progress))

    replace_trainer(monkeypatch, report_for_a_second)
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    train(shop)
    assert seen == [("fitting", 0.0), ("fitting", 0.5), ("fitting", 1.0)]


def test_a_training_that_lost_its_job_stops_at_its_next_report(
    shop: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    def be_overtaken(report: Report) -> None:
        with on_platform():
            Job.objects.filter(environment=shop).update(fencing_token=9)
        report("fitting", 0.5)

    replace_trainer(monkeypatch, be_overtaken)
    run = train(shop)
    assert (run.status, run.stage) == ("running", "reading")
    assert job_of(shop).state == "running"


def test_a_model_that_lost_its_job_leaves_nothing_behind(
    shop: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    learn = trainer.train_model

    def be_overtaken(**arguments: Any) -> TrainedModel:
        model = learn(**arguments)
        with on_platform():
            Job.objects.filter(environment=shop).update(fencing_token=9)
        return model

    monkeypatch.setattr(trainer, "train_model", be_overtaken)
    assert train(shop).status == "running"
    assert versions(shop) == []
    assert live_version(shop) == (None, False)
    assert list(artifacts_of(shop.pk).iterdir()) == []


def test_files_of_versions_beyond_recall_go_after_the_commit(shop: Environment) -> None:
    folder = artifacts_of(shop.pk)
    # Other tests' files of the same store.
    shutil.rmtree(folder, ignore_errors=True)
    (folder / ".lost-attempt.tmp").mkdir(parents=True)
    old = [add_version(shop, day=day, verdict="rejected") for day in range(1, 5)]
    served = add_version(shop, day=5, promoted_at=NOVEMBER)
    for name in (*old, served):
        (folder / name).mkdir()
    run = train(shop)
    assert len(list(folder.iterdir())) == 7
    for entry in connection.run_on_commit:
        entry[1]()
    # The live one, the newest three and the one that was live before.
    assert {path.name for path in folder.iterdir()} == {run.model_version, served, old[3]}
    gone = [row.version for row in versions(shop) if row.artifact_removed_at is not None]
    assert gone == old[:3]
