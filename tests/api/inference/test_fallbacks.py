from __future__ import annotations

from typing import Any

import pytest

from billing.metering.record import Operation, UsageFlag, step_bounds
from saas.lib.config import Config
from tests.api.inference.conftest import Hand, Service, eventually
from tests.api.inference.models import ITEMS, write_model


def test_an_empty_catalogue_is_an_empty_answer_that_nobody_pays(
    service: Service, acorn_hand: Hand
) -> None:
    answer = service.post("for-user", acorn_hand.make_key(), {"user_id": "ada"})
    assert answer.status_code == 200
    assert answer.json()["items"] == []
    assert answer.json()["model"] is None
    (record,) = service.usage()
    assert not record.flags & UsageFlag.BILLABLE


def test_without_a_model_the_newest_items_on_sale_are_shown(
    service: Service, acorn_hand: Hand
) -> None:
    for item_id in ("first", "second", "third"):
        acorn_hand.put(item_id)
    acorn_hand.put("second", in_stock=False)
    answer = service.post("for-user", acorn_hand.make_key(), {"exclude": ["first"]}).json()
    assert [item["id"] for item in answer["items"]] == ["third"]
    assert answer["fallback"] == {"from": "personal", "to": "newest", "reason": "no_model"}
    assert answer["items"][0]["source"] == "newest"


def test_without_a_model_a_selection_is_still_a_selection(
    service: Service, acorn_hand: Hand
) -> None:
    for item_id in ("first", "second", "third"):
        acorn_hand.put(item_id)
    body = {"item_ids": ["second", "first", "nothing"]}
    assert service.ids("rerank", acorn_hand.make_key(), body) == ["second", "first"]


@pytest.mark.parametrize(
    ("operation", "body", "fallback"),
    [
        ("for-user", {}, {"from": "personal", "to": "popular", "reason": "no_shopper"}),
        (
            "for-user",
            {"user_id": "nobody"},
            {"from": "personal", "to": "popular", "reason": "unknown_shopper"},
        ),
        (
            "similar",
            {"item_id": "nothing"},
            {"from": "similar", "to": "popular", "reason": "unknown_item"},
        ),
    ],
)
def test_what_the_model_cannot_know_gets_popular_items(
    service: Service,
    acorn_hand: Hand,
    serving_config: Config,
    operation: str,
    body: dict[str, Any],
    fallback: dict[str, str],
) -> None:
    for item_id in ITEMS:
        acorn_hand.put(item_id)
    acorn_hand.go_live(write_model(serving_config.artifacts, acorn_hand.environment.id))
    answer = service.post(operation, acorn_hand.make_key(), body)
    assert answer.status_code == 200
    assert answer.json()["fallback"] == fallback
    assert answer.json()["items"][0]["id"] == "item-0"
    warnings = answer.json()["warnings"]
    assert warnings == (
        [{"code": "item_not_found", "pointer": "/item_id"}] if operation == "similar" else []
    )


def test_an_item_newer_than_the_model_is_known_and_has_nothing_similar_yet(
    service: Service, acorn_hand: Hand, serving_config: Config
) -> None:
    acorn_hand.put("item-0")
    acorn_hand.put("new")
    acorn_hand.go_live(write_model(serving_config.artifacts, acorn_hand.environment.id))
    answer = service.post("similar", acorn_hand.make_key(), {"item_id": "new"}).json()
    assert answer["warnings"] == []
    assert answer["fallback"]["reason"] == "unknown_item"


def test_a_new_item_is_seen_within_two_seconds(service: Service, acorn_hand: Hand) -> None:
    key = acorn_hand.make_key()
    assert service.ids("popular", key) == []
    acorn_hand.put("oak")
    eventually(lambda: service.ids("popular", key) == ["oak"])


def test_a_call_is_recorded_under_its_recommendation_id_before_it_is_answered(
    service: Service, acorn_hand: Hand
) -> None:
    from ulid import ULID

    acorn_hand.put("oak")
    answer = service.post("for-user", acorn_hand.make_key()).json()
    [record] = service.usage()
    assert record.call_id == ULID.from_str(answer["recommendation_id"]).bytes
    assert record.environment_id == acorn_hand.environment.id
    assert record.units == 1
    assert record.operation == Operation.FOR_USER
    assert record.flags == UsageFlag.BILLABLE | UsageFlag.FALLBACK
    assert 0 < step_bounds(record.took_step)[0] <= answer["took_ms"]


def test_a_test_environment_is_recorded_and_never_billed(
    service: Service, acorn_test_hand: Hand
) -> None:
    acorn_test_hand.put("oak")
    assert service.ids("for-user", acorn_test_hand.make_key()) == ["oak"]
    [record] = service.usage()
    assert not record.flags & UsageFlag.BILLABLE


def test_a_store_never_sees_another_stores_items(
    service: Service, acorn_hand: Hand, birch_hand: Hand
) -> None:
    acorn_hand.put("acorn-book")
    birch_hand.put("birch-shoe")
    assert service.ids("popular", acorn_hand.make_key()) == ["acorn-book"]
    assert service.ids("popular", birch_hand.make_key()) == ["birch-shoe"]
    exact = service.post("similar", birch_hand.make_key(), {"item_id": "acorn-book"}).json()
    assert exact["warnings"] == [{"code": "item_not_found", "pointer": "/item_id"}]
