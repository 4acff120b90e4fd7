"""The pages about models: what each version is worth, which is live, and who may change that."""

from __future__ import annotations

import pytest
from django.test import Client

from engine.services.set_live_version import locked_environment
from tenants.context import on_platform
from tenants.models.environment import Environment
from tests.engine.model_versions import add_champions, add_version
from tests.engine.statements import tenant_statements
from tests.people import member, visitor
from tests.saas.portal.exploring import text_of

METRIC = {"value": 0.25, "low": 0.2, "high": 0.3}
ATTACK = "<script>alert(1)</script>"


@pytest.fixture
def client(acorn: Environment) -> Client:
    return visitor(acorn.tenant)


def test_a_store_without_a_model_is_told_what_to_send(client: Client) -> None:
    page = text_of(client, "/live/models/")

    assert "Send your catalogue" in page
    assert "Compare two" not in page


def test_each_version_stands_beside_what_is_popular_with_its_verdict(
    client: Client, acorn: Environment
) -> None:
    add_champions(acorn, 18, 20)
    add_version(
        acorn,
        day=21,
        verdict="rejected",
        reason="Not better than popularity.",
        metrics={"ndcg@10": METRIC},
    )

    page = text_of(client, "/live/models/")

    assert page.count('<span class="pill champion">') == 1
    assert "Kept back: Not better than popularity." in page
    # 0.25 - 0.1
    assert "+0.150" in page
    assert 'data-role="low"' in page


def test_a_long_list_goes_on_at_the_next_page(client: Client, acorn: Environment) -> None:
    versions = [add_version(acorn, day=day) for day in range(1, 23)]

    first = text_of(client, "/live/models/")
    older = text_of(client, f"/live/models/?before={versions[2]}")

    assert versions[21] in first
    assert f"?before={versions[2]}" in first
    assert f"/models/{versions[1]}/" in older
    assert f"/models/{versions[2]}/" not in older


def test_the_list_takes_three_statements_however_many_versions_there_are(
    client: Client, acorn: Environment
) -> None:
    add_champions(acorn, 1)
    for days in (range(2, 3), range(3, 13)):
        for day in days:
            add_version(acorn, day=day)
        with tenant_statements() as statements:
            text_of(client, "/live/models/")
        # Versions, the newest run, and what a rollback would go to.
        assert len(statements) == 3, statements


def test_a_version_and_a_comparison_take_one_statement(client: Client, acorn: Environment) -> None:
    first, second = add_champions(acorn, 1, 2)
    for day in range(3, 13):
        add_version(acorn, day=day)
    for path in (f"/live/models/{first}/", f"/live/models/compare/?a={first}&b={second}"):
        with tenant_statements() as statements:
            text_of(client, path)
        assert len(statements) == 1, statements


def test_a_version_shows_all_that_its_training_found_out(
    client: Client, acorn: Environment
) -> None:
    version = add_version(
        acorn,
        day=3,
        metrics={f"{name}@{k}": METRIC for name in ("ndcg", "recall") for k in (1, 5, 10, 20, 50)},
        baselines={"popular": {"ndcg@10": METRIC}, "champion": {"ndcg@10": METRIC}},
        strata={
            "history 1": {"ndcg@10": METRIC},
            "new_user": {"ndcg@10": METRIC},
            f"category: {ATTACK}": {"recall@20": METRIC},
        },
        counts={"events": 1_000, "test_users": 150},
        recipe={
            "format": 2,
            "popularity": {"window_days": 7},
            "lightfm": {"dimensions": 32},
            "weights": {"popular": 1.0, "taste": 3.0},
            "type_weights": {"cart": {"popular": 1.0}},
            "history_half_life_days": 30,
        },
    )

    page = text_of(client, f"/live/models/{version}/")

    for title in (
        "NDCG by length of the list",
        "Recall by length of the list",
        "NDCG@10 by what is known of the shopper",
        "Recall@20 by category",
        "Who gets the places: items by popularity",
        "Learning, epoch by epoch",
        "Training loss, epoch by epoch",
    ):
        assert title in page
    assert "The shopper&#x27;s taste (LightFM)" in page
    # 3 of 4 parts, 1 of 4 parts.
    assert '<td class="number">75</td>' in page
    assert '<td class="number">25</td>' in page
    assert "Only 150 shoppers came back" in page
    assert "not better than a list of what is popular" in page
    assert ATTACK not in page


def test_a_version_of_an_older_training_says_what_it_lacks(
    client: Client, acorn: Environment
) -> None:
    version = add_version(acorn, day=3, popularity_deciles=[], training_curve=[], strata={})

    assert "newer ones show it" in text_of(client, f"/live/models/{version}/")


def test_a_version_of_another_environment_is_not_found(client: Client, birch: Environment) -> None:
    version = add_version(birch, day=3)

    assert client.get(f"/live/models/{version}/").status_code == 404
    assert client.get(f"/live/models/{version}/promote/").status_code == 404


def test_finance_sees_no_models(acorn: Environment) -> None:
    client = visitor(acorn.tenant, "finance")

    assert client.get("/live/models/").status_code == 403


def test_a_stranger_finds_nothing(acorn: Environment, birch: Environment) -> None:
    from tests.people import logged_in, store_host

    stranger = logged_in(member(birch.tenant), host=store_host(acorn.tenant))

    assert stranger.get("/live/models/").status_code == 404


def test_versions_are_compared_on_a_part_of_its_own(client: Client, acorn: Environment) -> None:
    a, b = add_champions(acorn, 1, 2)

    page = text_of(client, f"/live/models/compare/?a={a}&b={b}")
    result = text_of(client, f"/live/models/compare/result/?a={a}&b={b}")

    assert f'hx-get="/live/models/compare/result/?a={a}&amp;b={b}"' in page
    # No files were written for these.
    assert "cannot be read any more" in result
    assert "Choose two different" in text_of(client, f"/live/models/compare/?a={a}&b={a}")


def test_the_test_environment_has_models_of_its_own(
    client: Client, acorn: Environment, acorn_test: Environment
) -> None:
    version = add_version(acorn_test, day=4)

    assert version in text_of(client, "/test/models/")
    assert version not in text_of(client, "/live/models/")
    with on_platform():
        assert locked_environment(acorn_test.pk).kind == "test"
