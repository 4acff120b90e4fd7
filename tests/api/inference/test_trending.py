"""What rises in a store, from the worker's file to the answer."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from billing.metering.record import Operation
from saas.lib.config import Config
from saas.lib.trends import Trends, write_trends
from tests.api.inference.conftest import Hand, Service, eventually

Start = Callable[..., None]
Rising = Callable[..., None]


@pytest.fixture
def key(acorn_hand: Hand) -> str:
    return acorn_hand.make_key()


@pytest.fixture
def rising(acorn_hand: Hand, serving_config: Config) -> Rising:
    """Write what rises, as the worker does."""

    def write(*day: tuple[str, float], week: tuple[tuple[str, float], ...] = ()) -> None:
        folder = serving_config.artifacts / str(acorn_hand.environment.id)
        write_trends(folder, Trends(last_event_id=1, rising={"24h": list(day), "7d": list(week)}))

    return write


def test_what_rises_comes_steepest_first_and_the_popular_stay_out(
    service: Service, shop: Start, rising: Rising, key: str
) -> None:
    rising(("item-7", 2.0), ("item-3", 1.0))
    shop()
    answer = service.post("trending", key).json()
    assert [item["id"] for item in answer["items"]] == ["item-7", "item-3"]
    assert (answer["strategy"], answer["fallback"]) == ("trending", None)
    first = answer["items"][0]
    assert first["source"] == "trending"
    assert first["reason"] == {"code": "trending", "text": "More asked for than before"}
    assert first["score"] == pytest.approx(2.0, rel=2e-4)
    (record,) = service.usage()
    assert record.operation == Operation.TRENDING


def test_each_window_has_its_own_and_others_are_refused_by_name(
    service: Service, shop: Start, rising: Rising, key: str
) -> None:
    rising(("item-7", 2.0), week=(("item-4", 1.0),))
    shop()
    assert service.ids("trending", key, {"window": "24h"}) == ["item-7"]
    assert service.ids("trending", key, {"window": "7d"}) == ["item-4"]
    for bad in ("3h", "", 24, None, ["24h"]):
        refused = service.post("trending", key, {"window": bad})
        assert (refused.status_code, refused.json()["code"]) == (400, "invalid_parameter"), bad
        detail = refused.json()["detail"]
        assert detail.startswith("'window' has ")
        assert detail.endswith("send '24h', '7d' or '30d'.")
    assert "'3h'" in service.post("trending", key, {"window": "3h"}).json()["detail"]


def test_rules_hold_for_what_rises(
    service: Service, acorn_hand: Hand, shop: Start, rising: Rising, key: str
) -> None:
    rising(("item-7", 4.0), ("item-6", 3.0), ("item-5", 2.0), ("item-4", 1.0))
    acorn_hand.put("item-7", in_stock=False)
    acorn_hand.put("item-6", group_id="g")
    acorn_hand.put("item-5", group_id="g", categories=["Home > Kitchen"])
    acorn_hand.put("item-4", categories=["Home"])
    shop()
    # Of the group the one that is more in demand is shown where the steeper one stands.
    assert service.ids("trending", key) == ["item-5", "item-4"]
    assert service.ids("trending", key, {"category": "Home"}) == ["item-5", "item-4"]
    assert service.ids("trending", key, {"exclude": ["item-5"]}) == ["item-6", "item-4"]
    demoted = [{"filter": {"==": ["group_id", "g"]}, "factor": 0.1}]
    assert service.ids("trending", key, {"boost": demoted}) == ["item-4", "item-5"]
    only = {"filter": {"==": ["id", "item-4"]}}
    assert service.ids("trending", key, only) == ["item-4"]


def test_what_a_shopper_has_bought_stays_out_where_the_call_says_so(
    service: Service, shop: Start, rising: Rising, key: str
) -> None:
    rising(("item-7", 2.0), ("item-3", 1.0))
    shop(bought={"u:ada": [7]})
    assert service.ids("trending", key, {"user_id": "ada"}) == ["item-7", "item-3"]
    body = {"user_id": "ada", "exclude_purchased": True}
    assert service.ids("trending", key, body) == ["item-3"]


def test_items_newer_than_the_model_trend_behind_the_rest(
    service: Service, acorn_hand: Hand, shop: Start, rising: Rising, key: str
) -> None:
    rising(("new-1", 3.0), ("new-2", 4.0), ("item-3", 1.0), ("gone", 9.0))
    acorn_hand.put("new-1", categories=["Home"])
    acorn_hand.put("new-2")
    shop()
    answer = service.post("trending", key).json()
    assert [item["id"] for item in answer["items"]] == ["item-3", "new-2", "new-1"]
    assert {item["source"] for item in answer["items"]} == {"trending"}
    assert service.ids("trending", key, {"category": "Home"}) == ["new-1"]
    # It was counted before this process had heard of it.
    acorn_hand.put("gone")
    eventually(lambda: service.ids("trending", key) == ["item-3", "gone", "new-2", "new-1"])


def test_a_new_file_is_taken_up(service: Service, shop: Start, rising: Rising, key: str) -> None:
    rising(("item-7", 2.0))
    shop()
    assert service.ids("trending", key) == ["item-7"]
    rising(("item-3", 1.0), ("item-4", 0.5))
    eventually(lambda: service.ids("trending", key) == ["item-3", "item-4"])


def test_where_nothing_rises_popular_items_come_and_the_answer_says_so(
    service: Service, acorn_hand: Hand, shop: Start, key: str
) -> None:
    acorn_hand.put("item-2", categories=["Home"])
    shop()
    answer = service.post("trending", key, {"limit": 1}).json()
    assert [item["id"] for item in answer["items"]] == ["item-0"]
    assert answer["fallback"] == {
        "from": "trending",
        "to": "popular",
        "reason": "nothing_trending",
    }
    assert service.ids("trending", key, {"category": "Home"}) == ["item-2"]


def test_without_a_model_what_rises_comes_else_the_newest(
    service: Service, acorn_hand: Hand, rising: Rising, key: str
) -> None:
    for item_id in ("old", "new"):
        acorn_hand.put(item_id)
    answer = service.post("trending", key).json()
    assert answer["fallback"] == {"from": "trending", "to": "newest", "reason": "no_model"}
    assert [item["id"] for item in answer["items"]] == ["new", "old"]
    rising(("old", 1.0))
    eventually(lambda: service.ids("trending", key) == ["old"])


def test_a_page_of_boxes_takes_both_new_types(
    service: Service, shop: Start, rising: Rising, key: str
) -> None:
    rising(("item-1", 2.0), ("item-3", 1.0))
    shop(baskets=[[0, 1], [0, 1], [0, 1], [5, 6], [5, 6]])
    boxes = [{"type": "bought-together", "item_ids": ["item-0"]}, {"type": "trending"}]
    answer = service.request(
        "POST",
        "/v1/recommend:batch",
        json={"requests": boxes, "distinct": True},
        headers={"Authorization": f"Bearer {key}"},
    )
    together, trending = answer.json()["results"]
    assert [item["id"] for item in together["items"]] == ["item-1"]
    assert [item["id"] for item in trending["items"]] == ["item-3"]
    assert [record.operation for record in service.usage()] == [
        Operation.BOUGHT_TOGETHER,
        Operation.TRENDING,
    ]


def test_why_an_item_trends_or_does_not(
    service: Service, acorn_hand: Hand, shop: Start, rising: Rising, key: str
) -> None:
    rising(("item-3", 1.0), ("new-1", 2.0))
    acorn_hand.put("new-1")
    acorn_hand.put("new-2")
    shop()

    def explain(item_id: str) -> dict[str, object]:
        answer = service.request(
            "POST",
            "/v1/explain",
            json={"type": "trending", "item_id": item_id},
            headers={"Authorization": f"Bearer {key}"},
        )
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    rises = explain("item-3")
    assert (rises["shown"], rises["rank"]) == (True, 1)
    assert isinstance(rises["parts"], list)
    assert [part["code"] for part in rises["parts"]] == ["trending"]
    assert rises["score"] == pytest.approx(rises["parts"][0]["score"])
    assert explain("new-1")["rank"] == 2
    for item_id in ("item-0", "new-2"):
        kept_out = explain(item_id)["kept_out_by"]
        assert isinstance(kept_out, list)
        assert [rule["code"] for rule in kept_out] == ["no_evidence"]
