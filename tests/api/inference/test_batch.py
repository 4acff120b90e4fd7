"""Several boxes of a page in one call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from billing.metering.record import Operation, UsageFlag
from tests.api.inference.conftest import Hand, Service


@pytest.fixture
def key(acorn_hand: Hand, shop: Callable[..., None]) -> str:
    shop()
    return acorn_hand.make_key()


def ask(service: Service, key: str, body: Any) -> httpx.Response:
    return service.request(
        "POST", "/v1/recommend:batch", json=body, headers={"Authorization": f"Bearer {key}"}
    )


def ids(result: dict[str, Any]) -> list[str]:
    return [item["id"] for item in result["items"]]


def test_boxes_are_answered_in_order_with_what_they_have_in_common(
    service: Service, key: str
) -> None:
    popular, similar = ask(
        service,
        key,
        {
            "limit": 2,
            "placement": "home",
            "requests": [
                {"type": "popular"},
                {"type": "similar", "item_id": "item-0", "limit": 1, "placement": "below"},
            ],
        },
    ).json()["results"]
    assert (popular["type"], popular["placement"], ids(popular)) == (
        "popular",
        "home",
        ["item-0", "item-1"],
    )
    assert (similar["type"], similar["placement"], ids(similar)) == ("similar", "below", ["item-1"])
    assert popular["recommendation_id"] != similar["recommendation_id"]


def test_distinct_boxes_share_no_item(service: Service, key: str) -> None:
    boxes = [{"type": "popular", "limit": 2}, {"type": "popular", "limit": 2}]
    same = ask(service, key, {"requests": boxes}).json()["results"]
    assert ids(same[0]) == ids(same[1]) == ["item-0", "item-1"]
    other = ask(service, key, {"requests": boxes, "distinct": True}).json()["results"]
    assert [ids(each) for each in other] == [["item-0", "item-1"], ["item-2", "item-3"]]


def test_a_bad_box_does_not_fail_the_page(service: Service, key: str) -> None:
    boxes: list[Any] = [
        {"type": "popular", "limit": 1},
        {"type": "guesswork"},
        {"type": "similar"},
        {"type": "popular", "limit": 1000},
        {"type": "popular", "categroy": "Home"},
        {"type": "popular", "user_id": "ada"},
        {"type": "popular", "filter": {"==": ["colour", "red"]}},
        "popular",
        {"type": "popular", "category": "a\0"},
        {"type": "popular", "limit": 1},
    ]
    answer = ask(service, key, {"requests": boxes})
    assert answer.status_code == 200
    first, *bad, last = answer.json()["results"]
    assert ids(first) == ids(last) == ["item-0"]
    assert [(each["code"], each["errors"][0]["pointer"]) for each in bad] == [
        ("invalid_parameter", "/requests/1/type"),
        ("invalid_parameter", "/requests/2/item_id"),
        ("invalid_parameter", "/requests/3/limit"),
        ("unknown_field", "/requests/4/categroy"),
        ("invalid_parameter", "/requests/5/user_id"),
        ("invalid_filter", "/requests/6/filter/==/0"),
        ("invalid_parameter", "/requests/7/type"),
        ("invalid_parameter", "/requests/8/category"),
    ]


def test_a_fault_of_ours_in_one_box_does_not_fail_the_page(
    service: Service, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr("api.inference.recommend.score_similar", fail)
    boxes = [{"type": "similar", "item_id": "item-0"}, {"type": "popular", "limit": 1}]
    broken, whole = ask(service, key, {"requests": boxes}).json()["results"]
    assert broken["code"] == "internal_error"
    assert ids(whole) == ["item-0"]


@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [
        ({}, "invalid_parameter", "/requests"),
        ({"requests": []}, "invalid_parameter", "/requests"),
        ({"requests": [{"type": "popular"}] * 21}, "invalid_parameter", "/requests"),
        ({"requests": [{}], "distinct": 1}, "invalid_parameter", "/distinct"),
        ({"requests": [{}], "limit": "ten"}, "invalid_parameter", "/limit"),
        ({"requests": [{}], "item_id": "a"}, "unknown_field", "/item_id"),
        ([], "invalid_parameter", ""),
    ],
)
def test_what_is_no_batch_is_refused_whole(
    service: Service, key: str, body: Any, code: str, pointer: str
) -> None:
    answer = ask(service, key, body)
    assert answer.status_code == 400
    assert (answer.json()["code"], answer.json()["errors"][0]["pointer"]) == (code, pointer)


def test_each_answered_box_is_a_unit(service: Service, key: str) -> None:
    nothing = {"type": "popular", "filter": {"==": ["brand", "Nobody"]}}
    boxes = [{"type": "popular"}, {"type": "similar", "item_id": "item-0"}, nothing, {"type": "?"}]
    results = ask(service, key, {"requests": boxes}).json()["results"]
    records = service.usage()
    assert [(each.operation, each.units, each.flags & UsageFlag.BILLABLE) for each in records] == [
        (Operation.POPULAR, 1, UsageFlag.BILLABLE),
        (Operation.SIMILAR, 1, UsageFlag.BILLABLE),
        (Operation.POPULAR, 1, 0),
    ]
    assert len({each.call_id for each in records}) == 3
    assert [ids(each) for each in results[2:3]] == [[]]


def test_a_page_gets_the_shorter_form_and_needs_the_users_token(
    service: Service, acorn_hand: Hand, key: str
) -> None:
    page_key = acorn_hand.make_key(kind="publishable")
    body = {"requests": [{"type": "popular"}]}
    [result] = ask(service, page_key, body).json()["results"]
    assert set(result) == {"recommendation_id", "items", "fallback"}
    refused = ask(service, page_key, body | {"user_id": "ada"})
    assert (refused.status_code, refused.json()["code"]) == (403, "user_token_required")
