"""The page that says what shoppers get, how good it is, and how calls were answered."""

from __future__ import annotations

import pytest
from django.test import Client

from engine.selectors.models import Model, models
from saas.portal.pages import data_health
from saas.portal.pages.overview import quality
from tenants.context import in_environment, on_platform
from tenants.models.environment import Environment
from tenants.models.tenant import Entitlement
from tenants.services.suspend_tenant import suspend_tenant
from tests.engine.model_versions import add_champions, add_version
from tests.people import visitor
from tests.saas.portal.deeds import answer_calls, put_items, questions, send_events


@pytest.fixture
def client(acorn: Environment) -> Client:
    return visitor(acorn.tenant)


def page_of(client: Client, path: str = "/live/") -> str:
    answer = client.get(path)
    assert answer.status_code == 200, answer.content.decode()
    return answer.content.decode()


def model_with(acorn: Environment, **metrics: dict[str, float]) -> Model:
    add_version(
        acorn,
        day=1,
        metrics={"ndcg@10": metrics["reached"]},
        baselines={"popular": {"ndcg@10": metrics["popular"]}},
    )
    with in_environment(acorn):
        return models(environment_id=acorn.pk, limit=1)[0]


def test_a_new_store_reads_what_to_send_in_place_of_every_figure(client: Client) -> None:
    page = page_of(client)
    assert "the catalogue has no items yet" in page
    assert "No call yet" in page
    assert "Send POST /v1/recommend/for-user" in page
    assert "the first training starts by itself" in page
    assert "<canvas" not in page


def test_the_live_model_stands_beside_popularity(client: Client, acorn: Environment) -> None:
    [version] = add_champions(acorn, 18)
    put_items(acorn, "oak")
    page = page_of(client)
    assert f"recommendations from model {version}" in page
    assert "not clearly different from" in page
    assert f"/live/models/{version}/" in page
    assert "<canvas" in page


@pytest.mark.parametrize(
    ("low", "high", "meaning"),
    [
        (0.11, 0.15, "clearly better than"),
        (0.10, 0.15, "not clearly different from"),
        (0.05, 0.10, "not clearly different from"),
        (0.05, 0.09, "worse than"),
    ],
)
def test_an_interval_decides_what_may_be_said_of_a_model(
    acorn: Environment, low: float, high: float, meaning: str
) -> None:
    found = quality(
        model_with(
            acorn,
            reached={"value": 0.12, "low": low, "high": high},
            popular={"value": 0.10, "low": 0.08, "high": 0.12},
        )
    )
    assert found is not None
    assert found["meaning"] == meaning
    # 0.12 / 0.10
    assert found["gain"] == "20 % more"


def test_calls_fallbacks_and_times_are_those_of_the_environment_on_the_page(
    client: Client, acorn: Environment, acorn_test: Environment
) -> None:
    answer_calls(acorn, calls=30, fallbacks=3, days_ago=0)
    answer_calls(acorn, calls=10, fallbacks=1, days_ago=20)
    answer_calls(acorn, calls=7, fallbacks=7, days_ago=31)
    answer_calls(acorn_test, calls=5, fallbacks=5, days_ago=0)
    page = page_of(client)
    assert '<span class="figure">40</span> in the last 30 days' in page
    # (3 + 1) of (30 + 10)
    assert "10.0&nbsp;% were answered by a fallback" in page
    assert '<td class="number" data-value="27">27</td>' in page
    # Step 18 is 0.951 to 1.131 ms: 19 of 20 are 95 % of the way.
    assert "1.1&nbsp;ms</span> for 19 of 20 calls" in page
    assert '<span class="figure">5</span> in the last 30 days' in page_of(client, "/test/")


def test_a_suspended_store_reads_so_with_the_moment(client: Client, acorn: Environment) -> None:
    suspend_tenant(slug=acorn.tenant.slug, actor="staff:a@b.example", reason="abuse")
    assert "this store has been suspended since" in page_of(client)


def test_a_store_that_does_not_pay_reads_so(client: Client, acorn: Environment) -> None:
    with on_platform():
        Entitlement.objects.filter(pk=acorn.tenant_id).update(access="reads", state="unpaid")
    assert "because the subscription is unpaid" in page_of(client)


def test_used_up_calls_are_said_by_what_the_store_wants_then(
    client: Client, acorn: Environment
) -> None:
    with on_platform():
        Entitlement.objects.filter(pk=acorn.tenant_id).update(call_limit=10)
    answer_calls(acorn, calls=10, fallbacks=0, days_ago=0)
    assert "get your most popular items, the same for all" in page_of(client)
    with on_platform():
        Environment.objects.filter(pk=acorn.pk).update(on_limit="error")
    assert "get nothing until" in page_of(client)


def test_finance_sees_calls_and_no_quality(acorn: Environment) -> None:
    add_champions(acorn, 18)
    page = page_of(visitor(acorn.tenant, "finance"))
    assert "Recommendation calls by day" in page
    assert "NDCG@10" not in page
    assert "data-health" not in page


@pytest.fixture
def looks_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """However much of the table is left of the tests before."""
    monkeypatch.setattr(data_health, "_PAGES", 1_000_000)


def test_data_health_is_a_page_and_a_part_of_the_overview(
    client: Client, acorn: Environment, looks_at_all: None
) -> None:
    put_items(acorn, "oak")
    whole = page_of(client, "/live/data-health/")
    assert "<h1>" in whole
    assert "Missing brand" in whole
    assert "No shopper&#x27;s event has come yet" in whole
    part = client.get("/live/data-health/", headers={"HX-Request": "true"}).content.decode()
    assert "Missing brand" in part
    assert "<h1>" not in part


def test_data_health_looks_at_a_part_of_a_large_store_and_says_so(
    client: Client, acorn: Environment, looks_at_all: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_items(acorn, *(f"oak-{number}-{'x' * 200}" for number in range(100)))
    send_events(acorn, *({"type": "view", "user_id": "u", "item_id": f"{n}"} for n in range(3)))
    page = page_of(client, "/live/data-health/")
    assert "Of 3 newest events and 100 items;" in page

    monkeypatch.setattr(data_health, "_LINES", 2)
    monkeypatch.setattr(data_health, "_PAGES", 1)
    page = page_of(client, "/live/data-health/")
    assert "Of 2 newest events" in page
    assert "a sample of the catalogue" in page


def test_a_developer_may_see_data_health_and_finance_may_not(acorn: Environment) -> None:
    assert visitor(acorn.tenant, "finance").get("/live/data-health/").status_code == 403


def test_the_overview_asks_the_database_as_often_whatever_there_is(
    client: Client, acorn: Environment
) -> None:
    put_items(acorn, "oak")
    add_champions(acorn, *range(1, 20))
    for days in range(28):
        answer_calls(acorn, calls=10, fallbacks=1, days_ago=days)
    page_of(client)
    with questions() as asked:
        page_of(client)
    assert len(asked) == 14, "\n".join(asked)
