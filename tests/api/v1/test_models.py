"""/v1/models and /v1/training-runs: what a store sees of its models, and what it decides."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from engine.models.training import TrainingRun
from tenants.context import in_environment
from tenants.models.audit_event import AuditEvent
from tenants.models.environment import Environment
from tenants.models.job import Job
from tests.api.conftest import ApiClient, assert_problem
from tests.conftest import make_key
from tests.engine.model_versions import (
    CURVE,
    DECILE,
    add_champions,
    add_version,
    live_version,
    version_of,
)


def test_a_model_shows_how_good_it_is_and_why_it_was_promoted(
    api: ApiClient, acorn: Environment, acorn_key: str
) -> None:
    (version,) = add_champions(acorn, 1)
    metric = {"value": 0.1, "low": 0.08, "high": 0.12}
    answer = api.get(f"/v1/models/{version}", key=acorn_key)
    assert answer.status_code == 200
    assert answer.json() == {
        "version": version,
        "status": "champion",
        "trained_at": "2026-11-01T00:00:00Z",
        # 1,700,000,000 seconds are 2023-11-14 22:13:20, and 86,400 a day.
        "data_window": {"first": "2023-11-14T22:13:20Z", "last": "2023-11-15T22:13:20Z"},
        "counts": {"events": 1000},
        "parameters": {"format": 0, "seed": 7},
        "metrics": {"ndcg@10": metric},
        "baselines": {"popular": {"ndcg@10": metric}},
        "strata": {"warm": {"ndcg@10": metric}},
        "popularity_deciles": [DECILE],
        "training_curve": [CURVE],
        "gate": {"decision": "promote", "reason": "Better than what is popular lately."},
    }


def test_a_list_of_models_leaves_out_what_fills_a_page(
    api: ApiClient, acorn: Environment, acorn_key: str
) -> None:
    add_champions(acorn, 1)
    (row,) = api.get("/v1/models", key=acorn_key).json()["data"]
    assert row.keys().isdisjoint({"popularity_deciles", "training_curve"})
    with CaptureQueriesContext(connection) as captured:
        api.get("/v1/models", key=acorn_key)
    assert not any("training_curve" in query["sql"] for query in captured)


def test_models_are_listed_newest_first_page_by_page(
    api: ApiClient, acorn: Environment, acorn_key: str
) -> None:
    add_champions(acorn, 1, 2)
    add_version(acorn, day=3, verdict="rejected")
    add_version(acorn, day=4)
    first = api.get("/v1/models?limit=3", key=acorn_key).json()
    assert [(row["version"], row["status"]) for row in first["data"]] == [
        (version_of(4), "challenger"),
        (version_of(3), "rejected"),
        (version_of(2), "champion"),
    ]
    assert first["has_more"] is True
    second = api.get(f"/v1/models?limit=3&cursor={first['next_cursor']}", key=acorn_key).json()
    assert [(row["version"], row["status"]) for row in second["data"]] == [
        (version_of(1), "retired")
    ]
    assert (second["has_more"], second["next_cursor"]) == (False, None)


def test_a_page_of_models_costs_the_same_queries_however_long_it_is(
    api: ApiClient, acorn: Environment, acorn_key: str
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            api.get("/v1/models", key=acorn_key)
        return len(captured)

    add_champions(acorn, 1)
    queries()
    of_one = queries()
    add_champions(acorn, 2, 3, 4)
    assert queries() == of_one


def test_another_stores_model_does_not_exist(
    api: ApiClient, birch: Environment, acorn_key: str
) -> None:
    (version,) = add_champions(birch, 1)
    assert api.get("/v1/models", key=acorn_key).json()["data"] == []
    assert_problem(api.get(f"/v1/models/{version}", key=acorn_key), 404, "not_found")
    promotion = api.post(f"/v1/models/{version}:promote", key=acorn_key, json={})
    assert_problem(promotion, 404, "not_found")
    rollback = api.post("/v1/models:rollback", key=acorn_key, json={"version": version})
    assert_problem(rollback, 404, "not_found")


def test_promotion_answers_with_the_champion_and_names_the_key(
    api: ApiClient, acorn: Environment, acorn_key: str
) -> None:
    (before,) = add_champions(acorn, 1)
    version = add_version(acorn, day=2)
    answer = api.post(f"/v1/models/{version}:promote", key=acorn_key, json={"pin": True})
    assert answer.status_code == 200
    assert answer.json()["status"] == "champion"
    assert live_version(acorn) == (version, True)
    assert api.get(f"/v1/models/{before}", key=acorn_key).json()["status"] == "retired"
    audited = AuditEvent.objects.get(tenant=acorn.tenant_id, object=f"model:{version}")
    assert audited.actor.startswith("key:key_")


def test_rollback_answers_with_the_version_before(
    api: ApiClient, acorn: Environment, acorn_key: str
) -> None:
    first, _ = add_champions(acorn, 1, 2)
    answer = api.post("/v1/models:rollback", key=acorn_key)
    assert answer.status_code == 200
    assert (answer.json()["version"], answer.json()["status"]) == (first, "champion")
    assert_problem(api.post("/v1/models:rollback", key=acorn_key), 409, "conflict")


@pytest.mark.parametrize(
    ("body", "code"),
    [({"pinn": True}, "unknown_field"), ({"pin": "maybe"}, None), ({"version": 7}, None)],
)
def test_a_rollback_that_is_not_understood_changes_nothing(
    api: ApiClient, acorn: Environment, acorn_key: str, body: dict[str, object], code: str | None
) -> None:
    _, champion = add_champions(acorn, 1, 2)
    answer = api.post("/v1/models:rollback", key=acorn_key, json=body)
    assert answer.status_code in {400, 422}
    assert code in {None, answer.json()["code"]}
    assert live_version(acorn) == (champion, False)


def test_a_key_that_only_reads_models_decides_nothing(api: ApiClient, acorn: Environment) -> None:
    reader = make_key(acorn, scopes=["models:read"])
    version = add_version(acorn, day=1)
    assert api.get("/v1/models", key=reader).status_code == 200
    for path in (f"/v1/models/{version}:promote", "/v1/models:rollback", "/v1/models:train"):
        assert_problem(api.post(path, key=reader, json={}), 403, "insufficient_scope")


def test_training_is_queued_once_and_a_repeat_finds_the_same_run(
    api: ApiClient, acorn: Environment, acorn_key: str
) -> None:
    first = api.post("/v1/models:train", key=acorn_key, json={})
    assert first.status_code == 202
    run_id = first.json()["training_run_id"]
    assert api.post("/v1/models:train", key=acorn_key).json() == {"training_run_id": run_id}
    with in_environment(acorn):
        created_at = TrainingRun.objects.get(pk=run_id).created_at
    assert api.get(f"/v1/training-runs/{run_id}", key=acorn_key).json() == {
        "id": run_id,
        "kind": "training",
        "status": "queued",
        "stage": "",
        "progress": 0.0,
        "created_at": created_at.isoformat().replace("+00:00", "Z"),
    }
    job = Job.objects.get(environment=acorn)
    assert (job.kind, job.payload) == ("engine.tasks.train_model", {"training_run_id": run_id})


def test_a_run_is_queued_again_when_the_last_one_has_ended(
    api: ApiClient, acorn: Environment, acorn_key: str
) -> None:
    first = api.post("/v1/models:train", key=acorn_key, json={}).json()["training_run_id"]
    Job.objects.filter(environment=acorn).update(state="failed", exclusive_key=None)
    with in_environment(acorn):
        TrainingRun.objects.update(status="failed", error="Send events first.")
    second = api.post("/v1/models:train", key=acorn_key, json={}).json()["training_run_id"]
    assert second > first
    listed = api.get("/v1/training-runs", key=acorn_key).json()["data"]
    assert [(run["id"], run["status"], run.get("error")) for run in listed] == [
        (second, "queued", None),
        (first, "failed", "Send events first."),
    ]


def test_a_run_says_how_long_it_took(api: ApiClient, acorn: Environment, acorn_key: str) -> None:
    run_id = api.post("/v1/models:train", key=acorn_key, json={}).json()["training_run_id"]
    started = datetime(2026, 11, 22, 0, 0, 0, 500_000, tzinfo=UTC)
    with in_environment(acorn):
        TrainingRun.objects.update(
            status="completed",
            stage="done",
            progress=1.0,
            rows=396_337,
            seconds_budget=120,
            created_at=started,
            model_version=version_of(1),
            started_at=started,
            finished_at=started + timedelta(seconds=8.25),
        )
    assert api.get(f"/v1/training-runs/{run_id}", key=acorn_key).json() == {
        "id": run_id,
        "kind": "training",
        "status": "completed",
        "stage": "done",
        "progress": 1.0,
        "rows": 396337,
        "seconds": 8.25,
        "seconds_budget": 120.0,
        "created_at": "2026-11-22T00:00:00.500000Z",
        "model_version": version_of(1),
    }


def test_another_stores_run_does_not_exist(
    api: ApiClient, acorn: Environment, acorn_key: str, birch_key: str
) -> None:
    run_id = api.post("/v1/models:train", key=acorn_key, json={}).json()["training_run_id"]
    assert_problem(api.get(f"/v1/training-runs/{run_id}", key=birch_key), 404, "not_found")
    assert api.get("/v1/training-runs", key=birch_key).json()["data"] == []
