"""Attributes in `product`: those that the store has declared public, and no others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.services.declare_attribute import declare_attribute
from engine.services.withdraw_attribute import withdraw_attribute
from tenants.context import in_environment
from tests.api.inference.conftest import Hand, Service, eventually

SHOWN = {"include": ["product"]}


def _shown(service: Service, key: str) -> dict[str, Any]:
    answer = service.post("popular", key, SHOWN)
    assert answer.status_code == 200, answer.text
    return {item["id"]: item["product"]["attributes"] for item in answer.json()["items"]}


def test_what_is_declared_public_is_shown_while_it_is(
    service: Service, shop: Callable[..., None], acorn_hand: Hand
) -> None:
    acorn_hand.put("item-0", attributes='{"colour": "red", "fits": ["gas", 24.5], "margin": 3}')
    shop()
    key = acorn_hand.make_key()
    page_key = acorn_hand.make_key(kind="publishable")
    service.catch_up(acorn_hand.control_seq())
    assert set(map(len, _shown(service, key).values())) == {0}

    acorn = acorn_hand.environment
    for name, type_ in (("colour", "string"), ("fits", "list"), ("margin", "number")):
        members = {"type": type_, "public": name != "margin"}
        with in_environment(acorn):
            declare_attribute(environment=acorn, name=name, members=members, actor="test")
    public = {"colour": "red", "fits": ["gas", 24.5]}
    eventually(lambda: _shown(service, key)["item-0"] == public)
    assert _shown(service, page_key)["item-0"] == public
    assert _shown(service, key)["item-1"] == {}

    with in_environment(acorn):
        withdraw_attribute(environment=acorn, name="fits", actor="test")
        declare_attribute(environment=acorn, name="colour", members={"public": False}, actor="test")
    eventually(lambda: _shown(service, key)["item-0"] == {})
