"""Why an item stands where it stands in an answer, or what keeps it out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.api.inference.conftest import Hand, Service
from tests.api.inference.models import ITEMS

Shop = Callable[..., None]
PANS = {"in": ["categories", "Home"]}


@pytest.fixture
def key(acorn_hand: Hand, shop: Shop) -> str:
    """Ada viewed item-0 and bought item-3; even items are pans by Ek, odd ones boots by Bo."""
    shop(viewed={"u:ada": [0]}, bought={"u:ada": [3]})
    for number, item_id in enumerate(ITEMS):
        is_pan = number % 2 == 0
        acorn_hand.put(
            item_id,
            brand="Ek" if is_pan else "Bo",
            categories=["Home > Pans"] if is_pan else ["Shoes"],
            price=f"{number + 1}.50",
            currency="EUR",
        )
    return acorn_hand.make_key()


def explain(service: Service, key: str, meant: str, type_: str, /, **call: Any) -> Any:
    if type_ == "similar":
        call["similar_to"] = call.pop("item_id")
    answer = service.request(
        "POST",
        "/v1/explain",
        json={**call, "type": type_, "item_id": meant},
        headers={"Authorization": f"Bearer {key}"},
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


def rules(explanation: Any) -> list[str]:
    return [rule["code"] for rule in explanation["kept_out_by"]]


def test_what_is_explained_is_the_answer_that_is_given(service: Service, key: str) -> None:
    calls: list[tuple[str, dict[str, Any]]] = [
        ("for-user", {"user_id": "ada", "boost": [{"filter": PANS, "factor": 4}]}),
        ("similar", {"item_id": "item-2"}),
        ("cart", {"item_ids": ["item-2", "item-5"]}),
        ("recently-viewed", {"user_id": "ada"}),
        ("rerank", {"user_id": "ada", "item_ids": ["item-5", "item-1", "item-7"], "limit": 2}),
    ]
    for type_, call in calls:
        answer = service.post(type_, key, call).json()
        assert answer["items"]
        for item in answer["items"]:
            told = explain(service, key, item["id"], type_, **call)
            assert {name: told[name] for name in ("rank", "score", "source", "reason")} == {
                name: item[name] for name in ("rank", "score", "source", "reason")
            }
            assert (told["shown"], told["strategy"]) == (True, answer["strategy"])


def test_parts_name_the_items_of_the_history_that_spoke(service: Service, key: str) -> None:
    told = explain(service, key, "item-2", "for-user", session=["item-0", "item-1"])
    by_code = {part["code"]: part for part in told["parts"]}
    # item-1 leads to item-2 with 1.0, item-0 with 0.5.
    assert by_code["item_knn"]["items"] == [
        {"item_id": "item-1", "title": "Item-1", "share": 0.667},
        {"item_id": "item-0", "title": "Item-0", "share": 0.333},
    ]
    assert by_code["popular"]["items"] == []
    assert all(part["text"] for part in told["parts"])
    assert told["rank"] == told["score_rank"] == 1


def test_boosts_are_shown_as_their_factor(service: Service, key: str) -> None:
    boost = [{"filter": PANS, "factor": 4}, {"filter": {"<": ["price", 3]}, "factor": 0.5}]
    told = explain(service, key, "item-0", "popular", boost=boost)
    assert told["boost"]["factor"] == 2
    assert told["boost"]["pointers"] == ["/boost/0", "/boost/1"]
    assert explain(service, key, "item-7", "popular", boost=boost)["boost"] is None


WHY_NOT: list[tuple[str, str, dict[str, Any], list[str]]] = [
    ("item-1", "for-user", {"user_id": "ada", "exclude": ["item-1"]}, ["excluded"]),
    ("item-3", "for-user", {"user_id": "ada"}, ["purchased"]),
    ("item-1", "for-user", {"session": ["item-1"]}, ["given"]),
    ("item-2", "similar", {"item_id": "item-2"}, ["given"]),
    ("item-7", "similar", {"item_id": "item-2"}, ["no_evidence"]),
    ("item-1", "popular", {"category": "Home"}, ["category"]),
    ("item-1", "popular", {"filter": PANS}, ["filter"]),
    ("item-1", "popular", {"exclude": ["item-1"], "filter": PANS}, ["excluded", "filter"]),
    ("item-1", "rerank", {"item_ids": ["item-2"]}, ["not_in_selection"]),
    ("item-1", "recently-viewed", {"user_id": "ada"}, ["not_viewed"]),
    ("item-5", "popular", {"limit": 2}, ["limit"]),
    ("item-2", "popular", {"max_per_brand": 1}, ["max_per_brand"]),
    ("item-2", "popular", {"max_per_category": 1}, ["max_per_category"]),
    ("item-4", "popular", {"diversity": 0.9, "limit": 3, "exclude": ["item-1"]}, ["limit"]),
    ("item-2", "popular", {"diversity": 0.9, "limit": 2, "exclude": ["item-1"]}, ["diversity"]),
    ("item-2", "popular", {"diversity": 0.9, "limit": 3, "filter": PANS}, []),
]


def test_why_not_names_the_rule(service: Service, key: str) -> None:
    for item_id, type_, call, expected in WHY_NOT:
        told = explain(service, key, item_id, type_, **call)
        assert rules(told) == expected, (item_id, type_, call)
        assert all(rule["text"] for rule in told["kept_out_by"])


def test_what_the_list_is_too_short_for_has_its_rank(service: Service, key: str) -> None:
    told = explain(service, key, "item-5", "popular", limit=2, max_per_brand=3)
    assert (told["shown"], told["rank"], told["score_rank"]) == (False, 6, 6)
    assert told["score"] == 3.0
    capped = explain(service, key, "item-5", "popular", max_per_brand=1)
    assert (capped["rank"], capped["score_rank"]) == (None, 6)


def test_a_filter_is_named_by_the_clause_that_fails(service: Service, key: str) -> None:
    given = {"and": [PANS, {"and": [{"<": ["price", 5]}, {"exists": "brand"}]}]}
    (rule,) = explain(service, key, "item-6", "popular", filter=given)["kept_out_by"]
    assert rule["pointer"] == "/filter/and/1/and/0"
    assert '{"<":["price",5]}' in rule["text"]
    either = {"or": [{"==": ["brand", "Bo"]}, {"<": ["price", 1]}]}
    (rule,) = explain(service, key, "item-6", "popular", filter=either)["kept_out_by"]
    assert rule["pointer"] == "/filter"


def test_what_the_store_does_not_offer_is_told_with_all_its_reasons(
    service: Service, acorn_hand: Hand, shop: Shop
) -> None:
    acorn_hand.put("item-0", in_stock=False, recommendable=False)
    acorn_hand.put("item-1", available_from="2999-01-01T00:00:00Z")
    acorn_hand.put("item-2", available_until="2020-01-01T00:00:00Z", in_stock=False)
    acorn_hand.delete("item-3")
    shop(items=[*ITEMS, "gone"])
    acorn_hand.delete("gone")
    key = acorn_hand.make_key()

    def why(item_id: str) -> list[str]:
        return rules(explain(service, key, item_id, "popular"))

    assert why("item-0") == ["out_of_stock", "not_recommendable"]
    assert why("item-1") == ["not_yet_available"]
    assert why("item-2") == ["out_of_stock", "no_longer_available"]
    assert why("item-3") in (["deleted"], ["not_in_catalogue"])
    assert why("item-4") == []


def test_variants_stand_aside_for_each_other(
    service: Service, acorn_hand: Hand, shop: Shop
) -> None:
    for item_id in ("item-1", "item-2", "item-4"):
        acorn_hand.put(item_id, group_id="boot")
    shop(bought={"u:ada": [1]})
    key = acorn_hand.make_key()
    (rule,) = explain(service, key, "item-2", "popular")["kept_out_by"]
    assert (rule["code"], rule["item_id"]) == ("group", "item-1")
    assert explain(service, key, "item-2", "popular", collapse="none")["rank"] == 3
    (rule,) = explain(service, key, "item-2", "for-user", user_id="ada")["kept_out_by"]
    assert (rule["code"], rule["item_id"]) == ("purchased_variant", "item-1")
    given = explain(service, key, "item-4", "cart", item_ids=["item-2"])["kept_out_by"]
    assert given[0] == {
        "code": "given_variant",
        "text": "A variant of it, 'item-2', was given in the call.",
        "item_id": "item-2",
    }
    # A group is explained by its variant in the answer.
    of_group = explain(service, key, "boot", "popular")
    assert (of_group["item_id"], of_group["group_id"], of_group["shown"]) == (
        "item-1",
        "boot",
        True,
    )


def test_a_store_without_a_model_is_explained_too(service: Service, acorn_hand: Hand) -> None:
    acorn_hand.put("old", brand="Ek")
    acorn_hand.put("new", brand="Ek")
    key = acorn_hand.make_key()
    told = explain(service, key, "new", "for-user", user_id="ada")
    assert (told["shown"], told["rank"], told["score"], told["parts"]) == (True, 1, 0, [])
    assert told["reason"]["code"] == "new_arrival"
    assert told["fallback"]["reason"] == "no_model"
    assert told["model"] is None
    capped = explain(service, key, "old", "popular", max_per_brand=1)
    assert rules(capped) == ["max_per_brand"]
    assert rules(explain(service, key, "old", "popular", limit=1)) == ["limit"]
    assert rules(explain(service, key, "old", "popular", exclude=["old"])) == ["excluded"]


def test_what_is_newer_than_the_model_says_so(service: Service, acorn_hand: Hand, key: str) -> None:
    acorn_hand.put("brand-new", brand="Bo")
    service.catch_up(acorn_hand.control_seq())
    told = explain(service, key, "brand-new", "popular")
    assert rules(told) == ["newer_than_model"]
    kept = explain(service, key, "brand-new", "rerank", item_ids=["item-1", "brand-new"])
    assert (kept["shown"], kept["rank"], kept["source"]) == (True, 2, "newest")


def test_an_unknown_item_is_a_warning_and_no_error(service: Service, key: str) -> None:
    told = explain(service, key, "nowhere", "similar", item_id="elsewhere")
    assert rules(told) == ["not_found"]
    assert told["item_id"] == "nowhere"
    assert told["warnings"] == [
        {"code": "item_not_found", "pointer": "/similar_to"},
        {"code": "item_not_found", "pointer": "/item_id"},
    ]


def test_a_page_learns_what_the_answer_tells_it_and_no_more(
    service: Service, acorn_hand: Hand, key: str
) -> None:
    page_key = acorn_hand.make_key(kind="publishable")
    session = ["item-0"]
    told = explain(service, page_key, "item-1", "for-user", session=session)
    assert told == {
        "item_id": "item-1",
        "rank": 1,
        "reason": {"code": "because_you_interacted"},
        "fallback": None,
    }
    hidden = explain(service, page_key, "item-5", "for-user", session=session, limit=1)
    assert (hidden["rank"], hidden["reason"]) == (None, None)
    refused = service.request(
        "POST",
        "/v1/explain",
        json={"type": "for-user", "item_id": "item-1", "user_id": "ada"},
        headers={"Authorization": f"Bearer {page_key}"},
    )
    assert (refused.status_code, refused.json()["code"]) == (403, "user_token_required")


def test_an_explanation_is_not_recorded_as_a_call(service: Service, key: str) -> None:
    explain(service, key, "item-1", "popular")
    assert service.usage() == []


BAD_QUESTIONS: list[tuple[bytes, str, str | None]] = [
    (b"{}", "invalid_parameter", "/type"),
    (b'{"type": ["popular"], "item_id": "a"}', "invalid_parameter", "/type"),
    (b'{"type": "batch", "item_id": "a"}', "invalid_parameter", "/type"),
    (b'{"type": "popular"}', "invalid_parameter", "/item_id"),
    (b'{"type": "popular", "item_id": ""}', "invalid_parameter", "/item_id"),
    (b'{"type": "popular", "item_id": "a\\u0000"}', "invalid_parameter", "/item_id"),
    (b'{"type": "popular", "item_id": "a", "limt": 1}', "unknown_field", "/limt"),
    (b'{"type": "popular", "item_id": "a", "limit": 0}', "invalid_parameter", "/limit"),
    (b'{"type": "popular", "item_id": "a", "similar_to": "b"}', "unknown_field", "/similar_to"),
    (b'{"type": "similar", "item_id": "a"}', "invalid_parameter", "/similar_to"),
    (b'{"type": "cart", "item_id": "a"}', "invalid_parameter", "/item_ids"),
    (b'{"type": "popular", "item_id": "a", "filter": {}}', "invalid_filter", "/filter"),
    (b"[]", "invalid_parameter", ""),
    (b"nothing", "malformed_json", None),
    (b"[" * 40, "too_deep", None),
]


def test_a_bad_question_is_refused_with_the_way_out(service: Service, acorn_hand: Hand) -> None:
    headers = {
        "Authorization": f"Bearer {acorn_hand.make_key()}",
        "Content-Type": "application/json",
    }
    for body, code, pointer in BAD_QUESTIONS:
        answer = service.request("POST", "/v1/explain", content=body, headers=headers)
        problem = answer.json()
        assert (answer.status_code, problem["code"]) == (400, code), problem
        if pointer is not None:
            assert problem["errors"][0]["pointer"] == pointer, problem


def test_explaining_takes_post_alone(service: Service) -> None:
    answer = service.request("GET", "/v1/explain")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST, OPTIONS")
    assert service.request("POST", "/v1/explains", json={}).status_code == 404
