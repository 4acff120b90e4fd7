"""A call that names a placement takes from its defaults what it leaves out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from api.inference.placements import check_placements
from saas.lib.errors import InvalidFilter, InvalidParameter, ShelfwiseError, UnknownField
from tests.api.inference.conftest import Hand, Service, eventually

HOME = {"limit": 3, "filter": {"!=": ["id", "item-0"]}, "include": ["product"]}


@pytest.fixture
def key(acorn_hand: Hand, shop: Callable[..., None], service: Service) -> str:
    shop()
    acorn_hand.set_placements({"home": HOME})
    key = acorn_hand.make_key()
    eventually(lambda: len(asked(service, key)) == 3)
    return key


def post(service: Service, key: str, path: str, body: dict[str, Any]) -> Any:
    answer = service.request(
        "POST", f"/v1/{path}", json=body, headers={"Authorization": f"Bearer {key}"}
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


def asked(service: Service, key: str, **members: Any) -> list[str]:
    body = {"placement": "home", **members}
    return [item["id"] for item in post(service, key, "recommend/popular", body)["items"]]


def test_what_a_call_leaves_out_comes_from_its_placement(service: Service, key: str) -> None:
    answer = post(service, key, "recommend/popular", {"placement": "home"})
    assert [item["id"] for item in answer["items"]] == ["item-1", "item-2", "item-3"]
    assert answer["placement"] == "home"
    assert answer["items"][0]["product"]["title"]


def test_what_a_call_says_itself_wins(service: Service, key: str) -> None:
    assert asked(service, key, limit=1) == ["item-1"]
    assert asked(service, key, filter=None) == ["item-0", "item-1", "item-2"]
    assert len(asked(service, key, placement="cart")) > 3


def test_the_boxes_of_a_page_take_the_defaults_of_their_own_placements(
    service: Service, key: str
) -> None:
    boxes = [{"type": "popular"}, {"type": "popular", "placement": "home"}]
    body = {"limit": 2, "placement": "cart", "requests": boxes}
    other, home = post(service, key, "recommend:batch", body)["results"]
    assert [item["id"] for item in other["items"]] == ["item-0", "item-1"]
    # What is said for all boxes is said by the call, too.
    assert [item["id"] for item in home["items"]] == ["item-1", "item-2"]


def test_an_explanation_is_of_the_call_with_its_defaults(service: Service, key: str) -> None:
    question = {"type": "popular", "placement": "home", "item_id": "item-0"}
    told = post(service, key, "explain", question)
    assert [rule["code"] for rule in told["kept_out_by"]] == ["filter"]


@pytest.mark.parametrize(
    ("placements", "error", "pointer", "words"),
    [
        ({"": {}}, InvalidParameter, "/placements", "1 to 100"),
        ({"x" * 101: {}}, InvalidParameter, "/placements", "1 to 100"),
        ({"a\0": {}}, InvalidParameter, "/placements", "NUL"),
        ({"home": {"limit": 0}}, InvalidParameter, "/placements/home/limit", "1 to 100"),
        ({"home": {"limit": None}}, InvalidParameter, "/placements/home/limit", "null"),
        ({"a/b": {"limits": 5}}, UnknownField, "/placements/a~1b/limits", "'limit'"),
        ({"home": {"user_id": "7"}}, UnknownField, "/placements/home/user_id", "user_id"),
        (
            {"home": {"filter": {"==": ["colour", "red"]}}},
            InvalidFilter,
            "/placements/home/filter/==/0",
            "colour",
        ),
        (
            {"home": {"boost": [{"filter": {"in": ["brand", "a\0"]}, "factor": 2}]}},
            InvalidFilter,
            "/placements/home/boost/0/filter/in/1",
            "NUL",
        ),
        (
            {"home": {"filter": {"==": ["attributes.margin", 3]}}},
            InvalidFilter,
            "/placements/home/filter/==/0",
            "not filterable",
        ),
        (
            {"home": {"boost": [{"filter": {"exists": "brand"}, "factor": 11}]}},
            InvalidParameter,
            "/placements/home/boost/0/factor",
            "0.1 to 10",
        ),
    ],
)
def test_defaults_that_no_call_could_have_are_refused(
    placements: dict[str, Any], error: type[ShelfwiseError], pointer: str, words: str
) -> None:
    with pytest.raises(error, match=words) as refused:
        check_placements(placements, unfilterable={"margin"})
    assert refused.value.errors[0].pointer == pointer


def test_defaults_that_a_call_could_have_are_good_and_none_removes() -> None:
    check_placements({"home": {**HOME, "diversity": 0.5}, "old": None}, unfilterable=frozenset())
