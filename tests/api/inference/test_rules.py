"""Filters, boosts, diversity and caps in real calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from engine.services.declare_attribute import declare_attribute
from engine.services.withdraw_attribute import withdraw_attribute
from tenants.context import in_environment
from tests.api.inference.conftest import Hand, Service, eventually


@pytest.fixture
def key(acorn_hand: Hand, shop: Callable[..., None]) -> str:
    """A key of a store whose even items are pans by Ek and whose odd ones are boots by Bo."""
    shop()
    for number in range(8):
        is_pan = number % 2 == 0
        acorn_hand.put(
            f"item-{number}",
            brand="Ek" if is_pan else "Bo",
            categories=["Home > Pans"] if is_pan else ["Shoes"],
            price=f"{number + 1}.50",
            currency="EUR",
            attributes='{"colour": "red"}' if number < 4 else "{}",
        )
    return acorn_hand.make_key()


def popular(service: Service, key: str, **rules: Any) -> list[str]:
    return [each.removeprefix("item-") for each in service.ids("popular", key, rules)]


@pytest.mark.parametrize(
    ("rules", "numbers"),
    [
        ({"filter": {"in": ["categories", "Home"]}}, "0246"),
        ({"filter": {"and": [{"==": ["brand", "Bo"]}, {"<": ["price", 5]}]}}, "13"),
        ({"filter": {"not": {"==": ["attributes.colour", "red"]}}}, "4567"),
        ({"filter": {"==": ["brand", "Nobody"]}}, ""),
        ({"max_per_brand": 1}, "01"),
        ({"max_per_category": 2, "limit": 3}, "012"),
        ({"max_per_category": 2}, "0123"),
        ({"boost": [{"filter": {"==": ["brand", "Bo"]}, "factor": 10}]}, "13570246"),
        ({"boost": [{"filter": {"==": ["brand", "Ek"]}, "factor": 0.1}]}, "13570246"),
        ({"diversity": 0.9, "limit": 3}, "012"),
        ({"diversity": 0.9, "limit": 3, "exclude": ["item-1"]}, "032"),
        ({"diversity": 0.0, "limit": 3, "exclude": ["item-1"]}, "023"),
    ],
)
def test_rules_decide_what_is_in_the_list(
    service: Service, key: str, rules: dict[str, Any], numbers: str
) -> None:
    assert popular(service, key, **rules) == list(numbers)


def test_rules_hold_for_each_type(service: Service, key: str) -> None:
    only_pans = {"filter": {"==": ["brand", "Ek"]}}
    assert service.ids("similar", key, {"item_id": "item-0", **only_pans}) == ["item-2"]
    seen = {"session": ["item-1"], "limit": 2}
    assert service.ids("for-user", key, {**seen, **only_pans}) == ["item-2", "item-0"]
    given = {"item_ids": ["item-1", "item-4", "item-2"]}
    assert service.ids("rerank", key, {**given, **only_pans}) == ["item-2", "item-4"]


def test_a_store_without_a_model_filters_and_caps_too(service: Service, acorn_hand: Hand) -> None:
    for number, brand in enumerate(["Ek", "Ek", "Bo"]):
        acorn_hand.put(f"new-{number}", brand=brand)
    key = acorn_hand.make_key()
    assert service.ids("popular", key, {"max_per_brand": 1}) == ["new-2", "new-1"]
    assert service.ids("popular", key, {"filter": {"==": ["brand", "Bo"]}}) == ["new-2"]


def test_a_changed_price_counts_for_the_next_filter(
    service: Service, acorn_hand: Hand, key: str
) -> None:
    cheap = {"filter": {"<": ["price", 1]}}
    assert service.ids("popular", key, cheap) == []
    acorn_hand.put("item-5", price="0.99")
    eventually(lambda: service.ids("popular", key, cheap) == ["item-5"])


@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [
        ({"filter": {"<": ["prise", 5]}}, "invalid_filter", "/filter/</0"),
        ({"filter": "brand"}, "invalid_parameter", "/filter"),
        (
            {"boost": [{"filter": {"?": 1}, "factor": 2}]},
            "invalid_filter",
            "/boost/0/filter/?",
        ),
        ({"boost": [{"filter": {}, "factor": 11}]}, "invalid_parameter", "/boost/0/factor"),
        ({"boost": [{"factor": 2}]}, "invalid_parameter", "/boost/0/filter"),
        ({"boost": [{"filter": {}, "facter": 2}]}, "unknown_field", "/boost/0/facter"),
        ({"diversity": 1.5}, "invalid_parameter", "/diversity"),
        ({"max_per_brand": 0}, "invalid_parameter", "/max_per_brand"),
        ({"filter": {"not": {"not": {"not": {}}}}}, "invalid_filter", "/filter/not/not/not"),
    ],
)
def test_a_bad_rule_is_named(
    service: Service, key: str, body: dict[str, Any], code: str, pointer: str
) -> None:
    answer = service.post("popular", key, body)
    assert answer.status_code == 400
    assert answer.json()["code"] == code
    assert answer.json()["errors"][0]["pointer"] == pointer


def test_a_filter_deeper_than_any_parser_likes_is_refused(service: Service, key: str) -> None:
    deep = b'{"filter": ' + b'{"not": ' * 100_000 + b"1" + b"}" * 100_001
    answer = service.post("popular", key, deep)
    assert (answer.status_code, answer.json()["code"]) == (400, "too_deep")


def test_an_attribute_that_is_kept_from_filters_is_named(
    service: Service, acorn_hand: Hand, key: str
) -> None:
    red = {"filter": {"==": ["attributes.colour", "red"]}}
    assert service.post("popular", key, red).status_code == 200
    acorn = acorn_hand.environment
    with in_environment(acorn):
        members = {"type": "string", "filterable": False}
        declare_attribute(environment=acorn, name="colour", members=members, actor="test")
    eventually(lambda: service.post("popular", key, red).status_code == 400)
    problem = service.post("popular", key, red).json()
    assert problem["code"] == "invalid_filter"
    assert problem["errors"][0]["pointer"] == "/filter/==/0"
    with in_environment(acorn):
        withdraw_attribute(environment=acorn, name="colour", actor="test")
    eventually(lambda: service.post("popular", key, red).status_code == 200)
