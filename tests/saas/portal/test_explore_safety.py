"""Explore with what strangers send: odd texts, hostile names, URLs that must lead nowhere."""

from __future__ import annotations

import pytest
from django.test import Client

from tenants.models.environment import Environment
from tests.people import visitor
from tests.saas.portal.exploring import client as client
from tests.saas.portal.exploring import inference as inference
from tests.saas.portal.exploring import put_events, put_items, text_of
from tests.saas.portal.inference import Inference

ATTACK = '"><script>alert(1)</script><img src=x onerror=alert(1)>'


@pytest.mark.parametrize("text", ["\x00", "a\x00b", "%", "x" * 2_000, ATTACK])
def test_odd_texts_find_nothing_and_break_nothing(client: Client, text: str) -> None:
    page = text_of(client, "/live/explore/", {"q": text})

    assert "<script>alert" not in page
    assert text_of(client, "/live/explore/shopper/", {"user_id": f"a{text}"})


@pytest.mark.parametrize("text", ["price < 5", "[" * 5_000, '{"<": ["price", 1' + "0" * 40 + "]}"])
def test_a_filter_that_is_no_json_is_named_beside_its_field(
    client: Client, inference: Inference, text: str
) -> None:
    page = text_of(client, "/live/explore/shopper/", {"user_id": "ada", "filter": text})

    assert '<p class="error">' in page
    assert 'aria-invalid="true"' in page
    assert "filter" not in inference.asked[0][1]


def test_what_a_store_names_never_runs(
    client: Client, acorn: Environment, inference: Inference
) -> None:
    hostile = {
        "title": ATTACK,
        "brand": ATTACK,
        "url": "javascript:alert(1)",
        "image_url": "javascript:alert(1)",
    }
    put_items(acorn, {"id": ATTACK, "title": ATTACK, "brand": ATTACK})
    put_events(acorn, {"user_id": ATTACK, "item_id": ATTACK})
    inference.gives("for-user", {"id": ATTACK, "reason": ATTACK, **hostile})
    inference.gives("similar", {"id": ATTACK, "reason": ATTACK, **hostile})
    inference.answers["/v1/explain"] = (
        200,
        {
            "shown": False,
            "item_id": ATTACK,
            "kept_out_by": [{"code": "purchased", "text": ATTACK, "item_id": ATTACK}],
            "parts": [
                {
                    "code": "popular",
                    "text": ATTACK,
                    "score": 1,
                    "items": [{"item_id": ATTACK, "title": ATTACK, "share": 1}],
                }
            ],
        },
    )
    pages = (
        text_of(client, "/live/explore/"),
        text_of(client, "/live/explore/", {"q": ATTACK}),
        text_of(client, "/live/explore/shopper/", {"user_id": ATTACK}),
        text_of(client, "/live/explore/item/", {"item_id": ATTACK}),
        text_of(
            client, "/live/explore/why/", {"type": "for-user", "user_id": "a", "meant": ATTACK}
        ),
    )

    for page in pages:
        assert "alert(1)" in page
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert '="javascript:' not in page


def test_pictures_come_over_https_alone(client: Client, inference: Inference) -> None:
    inference.gives(
        "for-user",
        {"id": "a", "image_url": "https://x.example/a.jpg"},
        {"id": "b", "image_url": "http://x.example/b.jpg"},
        {"id": "c", "image_url": "https://[x"},
    )

    page = text_of(client, "/live/explore/shopper/", {"user_id": "ada"})

    assert page.count('<img src="https://x.example/a.jpg" alt="" loading="lazy"') == 1
    assert "b.jpg" not in page
    assert "[x" not in page


def test_a_question_about_nothing_is_not_found(client: Client, inference: Inference) -> None:
    for query in (
        {},
        {"type": "for-user", "meant": "a"},
        {"type": "for-user", "meant": "a", "item_id": "b"},
        {"type": "similar", "meant": "a", "user_id": "b"},
        {"type": "bought-together", "meant": "a", "user_id": "b"},
        {"type": "cart", "meant": "a"},
    ):
        assert client.get("/live/explore/why/", query).status_code == 404


@pytest.mark.parametrize(("role", "status"), [("developer", 200), ("finance", 403)])
def test_who_may_explore(acorn: Environment, role: str, status: int) -> None:
    client = visitor(acorn.tenant, role)

    for path in ("", "shopper/?user_id=a", "why/?type=popular&meant=a"):
        assert client.get(f"/live/explore/{path}").status_code == status
