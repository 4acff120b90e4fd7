"""GET /v1/models/{a}/compare/{b}: what became of shoppers since both versions were trained."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from engine.models.shopper import Shopper
from engine.services.ingest_events import ingest_events
from engine.services.remove_old_artifacts import artifacts_of
from tenants.context import in_environment
from tenants.models.environment import Environment
from tests.api.conftest import ApiClient, assert_problem
from tests.engine.model_versions import live_version
from tests.engine.small_store import FIRST_DAY, WEEKS, fill_store
from tests.engine.training import train

AFTER_ALL = FIRST_DAY + timedelta(weeks=WEEKS, hours=1)


@pytest.fixture
def versions(acorn: Environment) -> tuple[str, str]:
    """Two versions that were trained on the same events."""
    fill_store(acorn, shoppers=20, views=6)
    train(acorn)
    first, _ = live_version(acorn)
    train(acorn)
    second, _ = live_version(acorn)
    assert first is not None
    assert second is not None
    return first, second


def view_everything(environment: Environment, shopper: str, *, at: datetime = AFTER_ALL) -> None:
    """Have a shopper look at all items, whatever is known of it."""
    with in_environment(environment):
        ingest_events(
            environment=environment,
            rows=[
                {
                    "type": "view",
                    "user_id": shopper,
                    "item_id": f"sku-{number}",
                    "ts": at.isoformat(),
                }
                for number in range(60)
            ],
            received_at=timezone.now(),
        )


def test_versions_are_compared_on_what_came_after_both(
    api: ApiClient, acorn: Environment, acorn_key: str, versions: tuple[str, str]
) -> None:
    a, b = versions
    view_everything(acorn, "u3")
    view_everything(acorn, "a newcomer of whom no model knows")
    answer = api.get(f"/v1/models/{a}/compare/{b}", key=acorn_key)
    assert answer.status_code == 200
    body = answer.json()
    assert (body["a"], body["b"], body["users"]) == (a, b, 1)
    assert body["since"] < AFTER_ALL.isoformat()
    assert body["metrics"].keys() == {"ndcg@10", "recall@20", "hit_rate@10"}
    # Whatever is shown is looked at, by either model's list.
    assert body["metrics"]["ndcg@10"] == {
        "a": 1,
        "b": 1,
        "difference": {"value": 0, "low": 0, "high": 0},
    }
    assert body["overlap@10"]["users"] == 20
    assert {len(sample["a"]) for sample in body["samples"]} == {10}


def test_until_somebody_has_come_back_there_is_nothing_to_measure(
    api: ApiClient, acorn_key: str, versions: tuple[str, str]
) -> None:
    body = api.get("/v1/models/{}/compare/{}".format(*versions), key=acorn_key).json()
    assert (body["users"], body["metrics"]) == (0, {})
    assert len(body["samples"]) == 5


def test_what_came_late_from_before_the_newest_that_was_read_examines_no_model(
    api: ApiClient, acorn: Environment, acorn_key: str, versions: tuple[str, str]
) -> None:
    view_everything(acorn, "u3", at=FIRST_DAY)
    body = api.get("/v1/models/{}/compare/{}".format(*versions), key=acorn_key).json()
    assert body["users"] == 0


def test_who_objected_examines_no_model(
    api: ApiClient, acorn: Environment, acorn_key: str, versions: tuple[str, str]
) -> None:
    view_everything(acorn, "u3")
    with in_environment(acorn):
        Shopper.objects.filter(external_id="u3").update(personalise=False)
    body = api.get("/v1/models/{}/compare/{}".format(*versions), key=acorn_key).json()
    assert body["users"] == 0


@pytest.mark.parametrize("change", [{"personalise": False}, {"kind": "erased"}], ids=str)
def test_who_was_erased_or_objected_is_no_sample(
    api: ApiClient,
    acorn: Environment,
    acorn_key: str,
    versions: tuple[str, str],
    change: dict[str, object],
) -> None:
    with in_environment(acorn):
        Shopper.objects.update(**change)
    body = api.get("/v1/models/{}/compare/{}".format(*versions), key=acorn_key).json()
    assert body["samples"] == []
    assert body["overlap@10"]["users"] == 20


def test_a_version_that_is_unknown_or_whose_files_are_gone_is_refused(
    api: ApiClient, acorn: Environment, acorn_key: str, versions: tuple[str, str]
) -> None:
    a, b = versions
    assert_problem(api.get(f"/v1/models/{a}/compare/01K", key=acorn_key), 404, "not_found")
    folder = artifacts_of(acorn.pk) / b
    folder.rename(folder.with_name("elsewhere"))
    assert_problem(api.get(f"/v1/models/{a}/compare/{b}", key=acorn_key), 409, "conflict")


def test_a_comparison_costs_the_same_queries_whatever_has_happened(
    api: ApiClient, acorn: Environment, acorn_key: str, versions: tuple[str, str]
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            api.get("/v1/models/{}/compare/{}".format(*versions), key=acorn_key)
        # The platform's own, as of the key's last use, come by the clock.
        return sum("engine_" in query["sql"] for query in captured)

    before = queries()
    view_everything(acorn, "u3")
    assert queries() == before
