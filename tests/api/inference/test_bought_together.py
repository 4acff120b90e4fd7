"""What is bought in one basket with items, from the model's count to the answer."""

from __future__ import annotations

from collections.abc import Callable
from math import log

import pytest

from billing.metering.record import Operation, UsageFlag
from tests.api.inference.conftest import Hand, Service, eventually

Start = Callable[..., None]

# Items 0 and 1 are bought together, and 1 with 2; a pair that was bought once is chance.
BASKETS = [[0, 1], [0, 1], [0, 1], [1, 2], [1, 2], [3, 4], [3, 4], [3, 4], [5, 6]]


@pytest.fixture
def key(acorn_hand: Hand) -> str:
    return acorn_hand.make_key()


def test_partners_come_by_lift_with_the_item_that_speaks_for_them(
    service: Service, shop: Start, key: str
) -> None:
    shop(baskets=BASKETS)
    answer = service.post("bought-together", key, {"item_ids": ["item-1"]}).json()
    assert [item["id"] for item in answer["items"]] == ["item-0", "item-2"]
    assert (answer["strategy"], answer["fallback"]) == ("bought_together", None)
    first = answer["items"][0]
    assert first["source"] == "bought_together"
    assert first["reason"] == {
        "code": "bought_together",
        "item_id": "item-1",
        "text": "Often bought with Item-1",
    }
    # 9 baskets: item 1 is in 5, item 0 in 3, both in 3; the most popular item leads by a hair.
    assert first["score"] == pytest.approx(3 / 5 * log((3 + 5) / (5 * 3 / 9 + 5)), rel=2e-4)
    (record,) = service.usage()
    assert (record.operation, record.flags) == (Operation.BOUGHT_TOGETHER, UsageFlag.BILLABLE)


def test_several_items_speak_together_and_never_for_themselves(
    service: Service, shop: Start, key: str
) -> None:
    shop(baskets=BASKETS)
    body = {"item_ids": ["item-0", "item-3", "item-1", "nothing"]}
    answer = service.post("bought-together", key, body).json()
    assert {item["id"] for item in answer["items"]} == {"item-2", "item-4"}
    assert answer["warnings"] == [{"code": "item_not_found", "pointer": "/item_ids/3"}]


def test_rules_hold_for_partners(service: Service, acorn_hand: Hand, shop: Start, key: str) -> None:
    shop(baskets=BASKETS)
    body = {"item_ids": ["item-1"]}
    assert service.ids("bought-together", key, body | {"exclude": ["item-0"]}) == ["item-2"]
    assert service.ids("bought-together", key, body | {"limit": 1}) == ["item-0"]
    promoted = [{"filter": {"==": ["id", "item-2"]}, "factor": 10}]
    assert service.ids("bought-together", key, body | {"boost": promoted})[0] == "item-2"
    only = {"filter": {"==": ["id", "item-2"]}}
    assert service.ids("bought-together", key, body | only) == ["item-2"]
    acorn_hand.put("item-0", in_stock=False)
    eventually(lambda: service.ids("bought-together", key, body) == ["item-2"])


def test_a_sold_out_item_still_speaks(
    service: Service, acorn_hand: Hand, shop: Start, key: str
) -> None:
    acorn_hand.put("item-1", in_stock=False)
    shop(baskets=BASKETS)
    body = {"item_ids": ["item-1"]}
    assert service.ids("bought-together", key, body) == ["item-0", "item-2"]


def test_one_variant_of_a_partner_comes_the_best_selling_on_sale(
    service: Service, acorn_hand: Hand, shop: Start, key: str
) -> None:
    # Items 1 and 2 are sizes of a shirt; only the second was bought with item 0.
    for item_id in ("item-1", "item-2"):
        acorn_hand.put(item_id, group_id="shirt")
    shop(baskets=[[0, 2], [0, 2], [3, 4], [3, 4]], groups={1: "shirt", 2: "shirt"})
    body = {"item_ids": ["item-0"]}
    assert service.ids("bought-together", key, body) == ["item-1"]
    both = service.ids("bought-together", key, body | {"collapse": "none"})
    assert both == ["item-1", "item-2"]
    # The item given stays out with all its sizes, and each of them speaks.
    assert service.ids("bought-together", key, {"item_ids": ["item-1"]}) == ["item-0"]


def test_items_that_nobody_bought_with_others_get_what_goes_with_them(
    service: Service, shop: Start, key: str
) -> None:
    shop(baskets=BASKETS)
    answer = service.post("bought-together", key, {"item_ids": ["item-5"], "limit": 2}).json()
    assert [item["id"] for item in answer["items"]] == ["item-6", "item-7"]
    assert answer["strategy"] == "cart"
    assert answer["fallback"] == {
        "from": "bought_together",
        "to": "cart",
        "reason": "nothing_bought_together",
    }
    (record,) = service.usage()
    assert record.flags == UsageFlag.BILLABLE | UsageFlag.FALLBACK


@pytest.mark.parametrize(
    ("item_ids", "reason"), [([], "empty_cart"), (["nothing"], "unknown_item")]
)
def test_without_known_items_popular_ones_come(
    service: Service, shop: Start, key: str, item_ids: list[str], reason: str
) -> None:
    shop(baskets=BASKETS)
    answer = service.post("bought-together", key, {"item_ids": item_ids, "limit": 1}).json()
    assert [item["id"] for item in answer["items"]] == ["item-0"]
    assert answer["fallback"] == {"from": "bought_together", "to": "popular", "reason": reason}


def test_what_cannot_be_read_is_refused_with_a_way_out(service: Service, key: str) -> None:
    missing = service.post("bought-together", key, {"item_id": "item-1"})
    assert (missing.status_code, missing.json()["code"]) == (400, "unknown_field")
    assert "item_ids" in missing.json()["detail"]
    many = service.post("bought-together", key, {"item_ids": ["x"] * 101})
    assert many.status_code == 400
    assert many.json()["errors"][0]["pointer"] == "/item_ids"
