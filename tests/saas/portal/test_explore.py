"""Explore: what a shopper gets and what goes with an item, as the store's own calls answer."""

from __future__ import annotations

import shlex

import orjson
import pytest
from django.test import Client

from saas.embedded.ports import free_port
from saas.lib.config import config
from tenants import tokens
from tenants.context import in_environment
from tenants.models.environment import Environment
from tenants.services.change_settings import change_settings
from tests.engine.statements import tenant_statements
from tests.saas.portal.exploring import client as client
from tests.saas.portal.exploring import inference as inference
from tests.saas.portal.exploring import put_events, put_items, text_of
from tests.saas.portal.inference import Inference


def test_an_empty_store_is_told_what_to_send(client: Client) -> None:
    assert "send your shoppers" in text_of(client, "/live/explore/")


def test_those_who_came_lately_are_offered(client: Client, acorn: Environment) -> None:
    put_items(acorn, {"id": "lamp", "title": "A lamp"})
    put_events(
        acorn, {"user_id": "ada/1", "item_id": "lamp"}, {"anonymous_id": "v 1", "item_id": "lamp"}
    )

    page = text_of(client, "/live/explore/")

    assert 'href="/live/explore/shopper/?user_id=ada%2F1"' in page
    assert 'href="/live/explore/shopper/?anonymous_id=v%201"' in page
    assert 'href="/live/explore/item/?item_id=lamp"' in page


def test_shoppers_are_found_by_the_beginning_of_an_id_and_items_by_their_title(
    client: Client, acorn: Environment
) -> None:
    put_items(acorn, {"id": "sku-1", "title": "A reading lamp"}, {"id": "lam-2", "title": "Chair"})
    put_events(
        acorn, {"user_id": "lamia", "item_id": "sku-1"}, {"user_id": "islam", "item_id": "sku-1"}
    )

    page = text_of(client, "/live/explore/", {"q": "lam"})

    assert "user_id=lamia" in page
    assert "user_id=islam" not in page
    assert "item_id=sku-1" in page
    assert "item_id=lam-2" in page


def test_a_shopper_sees_history_and_answers_beside_what_is_popular(
    client: Client, acorn: Environment, inference: Inference
) -> None:
    put_items(acorn, {"id": "lamp", "title": "A lamp", "image_url": "https://x.example/1.jpg"})
    put_events(
        acorn,
        {"user_id": "ada", "item_id": "lamp"},
        {"user_id": "ada", "item_id": "gone"},
        {"user_id": "ada", "type": "search", "query": "soft light"},
    )
    inference.gives("for-user", {"id": "chair", "reason": "Because you viewed A lamp"})
    inference.gives("popular", {"id": "table"}, strategy="popular")

    page = text_of(client, "/live/explore/shopper/", {"user_id": "ada"})

    assert '<img src="https://x.example/1.jpg"' in page
    assert "not in the catalogue" in page
    assert "soft light" in page
    assert "Because you viewed A lamp" in page
    assert page.index("Chair") < page.index("Table")
    assert [(path, body.get("user_id")) for path, body, _ in inference.asked] == [
        ("/v1/recommend/for-user", "ada"),
        ("/v1/recommend/popular", None),
    ]


def test_the_call_is_made_with_a_preview_of_this_environment(
    client: Client, acorn_test: Environment, inference: Inference
) -> None:
    text_of(client, "/test/explore/shopper/", {"user_id": "ada"})

    _, _, authorization = inference.asked[0]
    keys = tokens.VerifyingKeys.from_pem(config().jwt_verifying_keys)
    claims = tokens.verify_call_token(authorization.removeprefix("Bearer "), keys=keys)
    assert claims.is_preview
    assert (claims.environment_id, claims.tenant_id) == (
        acorn_test.pk,
        str(acorn_test.tenant_id),
    )


def test_the_curl_is_the_call_that_was_made(client: Client, inference: Inference) -> None:
    query = {"user_id": "o'hara $(x)", "limit": "3", "filter": '{"<": ["price", 50]}'}

    answer = client.get("/live/explore/shopper/", query)

    curl = shlex.split(answer.context["shelves"][0].curl.replace("\\\n", ""))
    _, body, _ = inference.asked[0]
    assert curl[2] == f"{config().api_url}/v1/recommend/for-user"
    assert curl[4] == "Authorization: Bearer sk_live_YOUR_KEY"
    assert orjson.loads(curl[-1]) == body
    assert body == {
        "user_id": "o'hara $(x)",
        "limit": 3,
        "filter": {"<": ["price", 50]},
        "include": ["product"],
    }


def test_a_call_for_a_placement_takes_its_defaults(
    client: Client, acorn: Environment, inference: Inference
) -> None:
    assert 'name="placement"' not in text_of(client, "/live/explore/shopper/", {"user_id": "ada"})
    home = {"limit": 4, "max_per_category": 2, "collapse": "none"}
    with in_environment(acorn):
        change_settings(environment=acorn, changes={"placements": {"home": home}}, actor="system")
    inference.asked.clear()

    query = {"user_id": "ada", "placement": "home"}
    answer = client.get("/live/explore/shopper/", query)

    assert inference.asked[0][1] == {**query, "include": ["product"]}
    shelf = answer.context["shelves"][0]
    assert '"placement":"home"' in shelf.curl
    assert shelf.rules == [
        "In stock, available now and recommendable",
        "Not purchased before",
        "At most 2 of a category",
    ]


def test_a_refused_call_shows_what_the_store_gets(client: Client, inference: Inference) -> None:
    problem = {"status": 402, "code": "payment_required", "detail": "Settle the open invoice."}
    inference.answers["/v1/recommend/for-user"] = (402, problem)

    page = text_of(client, "/live/explore/shopper/", {"user_id": "ada"})

    assert "402 payment_required" in page
    assert "Settle the open invoice." in page


def test_a_fallback_and_its_reason_are_shown(client: Client, inference: Inference) -> None:
    gone = {"from": "personal", "to": "popular", "reason": "unknown_shopper"}
    inference.gives("for-user", {"id": "chair"}, fallback=gone)

    page = text_of(client, "/live/explore/shopper/", {"user_id": "nobody"})

    assert "personal gave way to popular: unknown_shopper" in page
    assert "Nobody of this id has come yet" in page


@pytest.mark.parametrize("is_named", [True, False])
def test_a_service_that_is_away_leaves_the_rest_of_the_page(
    client: Client,
    acorn: Environment,
    monkeypatch: pytest.MonkeyPatch,
    is_named: bool,  # noqa: FBT001
) -> None:
    url = f"http://127.0.0.1:{free_port()}" if is_named else None
    named = config().model_copy(update={"inference_url": url})
    monkeypatch.setattr("saas.portal.previews.config", lambda: named)
    put_events(acorn, {"user_id": "ada", "type": "search", "query": "soft light"})

    page = text_of(client, "/live/explore/shopper/", {"user_id": "ada"})

    assert ("does not answer" in page) is is_named
    assert ("SHELFWISE_INFERENCE_URL" in page) is not is_named
    assert "soft light" in page


def test_an_item_shows_what_goes_with_it(
    client: Client, acorn: Environment, inference: Inference
) -> None:
    put_items(acorn, {"id": "lamp", "title": "A lamp", "in_stock": False})
    inference.gives("similar", {"id": "torch"})
    inference.gives("bought-together", {"id": "bulb"})

    page = text_of(client, "/live/explore/item/", {"item_id": "lamp"})

    assert "out of stock" in page
    assert page.index("Torch") < page.index("Bulb")
    assert [body.get("item_id") or body["item_ids"] for _, body, _ in inference.asked] == [
        "lamp",
        ["lamp"],
    ]
    assert client.get("/live/explore/item/", {"item_id": "nothing"}).status_code == 404


def test_why_asks_about_the_call_that_was_shown(client: Client, inference: Inference) -> None:
    inference.answers["/v1/explain"] = (
        200,
        {
            "shown": True,
            "rank": 1,
            "score_rank": 2,
            "score": 1.25,
            "item_id": "torch",
            "parts": [{"code": "content", "text": "Alike", "score": 1.25, "items": []}],
        },
    )
    query = {"type": "similar", "item_id": "lamp", "limit": "3", "meant": "torch"}

    part = text_of(client, "/live/explore/why/", query, headers={"HX-Request": "true"})
    whole = text_of(client, "/live/explore/why/", query)

    assert "by score alone at place 2" in part
    assert "<html" not in part
    assert "<html" in whole
    assert inference.asked[0][:2] == (
        "/v1/explain",
        {
            "type": "similar",
            "similar_to": "lamp",
            "item_id": "torch",
            "limit": 3,
            "include": ["product"],
        },
    )


def test_a_visitor_who_became_a_shopper_has_one_history(
    client: Client, acorn: Environment, inference: Inference
) -> None:
    put_events(
        acorn,
        {"user_id": "ada", "anonymous_id": "v1", "type": "search", "query": "logged in"},
        {"anonymous_id": "v1", "type": "search", "query": "before that"},
        {"anonymous_id": "v2", "type": "search", "query": "somebody else"},
    )

    page = text_of(client, "/live/explore/shopper/", {"user_id": "ada"})

    assert page.index("logged in") < page.index("before that")
    assert "somebody else" not in page
    assert "Came as v1" in page
    assert "is the shopper" in text_of(client, "/live/explore/shopper/", {"anonymous_id": "v1"})


def test_a_shopper_takes_the_same_few_statements_whatever_the_history(
    client: Client, acorn: Environment, inference: Inference
) -> None:
    for count in (1, 40):
        put_events(
            acorn,
            *({"user_id": "ada", "item_id": f"i{row}", "quantity": count} for row in range(count)),
        )
        with tenant_statements() as statements:
            text_of(client, "/live/explore/shopper/", {"user_id": "ada"})
        # Who it is, the visitors it was, whether it objects, and its newest lines.
        assert len(statements) == 4, statements
