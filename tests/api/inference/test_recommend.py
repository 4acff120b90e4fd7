from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis

from saas.lib.config import Config, config
from saas.lib.recent_events import RecentEvent, pack, recent_list, watermark_hash
from tests.api.inference.conftest import Hand, Service, eventually

Start = Callable[..., None]


@pytest.fixture
def key(acorn_hand: Hand) -> str:
    return acorn_hand.make_key()


@pytest.fixture
def recent(acorn_hand: Hand) -> Iterator[Callable[..., None]]:
    """Push recent events as ingestion does."""
    client = redis.Redis.from_url(config().redis_url)
    environment_id = acorn_hand.environment.id
    pushed = [watermark_hash(environment_id)]

    def push(shopper_key: str, *events: tuple[str, str]) -> None:
        name = recent_list(environment_id, shopper_key)
        pushed.append(name)
        for position, (item_id, type_) in enumerate(events):
            epoch_ms = int(time.time() * 1000) + position
            client.lpush(name, pack(RecentEvent(item_id, type_, epoch_ms)))
        client.hset(watermark_hash(environment_id), mapping={"epoch": "e1", "n": "7"})

    yield push
    client.delete(*pushed)
    client.close()


def test_popular_is_the_order_of_popularity(service: Service, shop: Start, key: str) -> None:
    shop()
    answer = service.post("popular", key, {"limit": 3, "placement": "home"}).json()
    assert [item["id"] for item in answer["items"]] == ["item-0", "item-1", "item-2"]
    assert [item["rank"] for item in answer["items"]] == [1, 2, 3]
    assert answer["strategy"] == "popular"
    assert answer["fallback"] is None
    assert answer["placement"] == "home"
    assert answer["items"][0]["reason"] == {"code": "popular_now", "text": "Popular now"}


def test_the_answer_has_exactly_the_shape_of_the_contract(
    service: Service, shop: Start, key: str
) -> None:
    shop()
    answer = service.post("similar", key, {"item_id": "item-0", "include": ["product"]}).json()
    assert set(answer) == {
        "recommendation_id",
        "type",
        "placement",
        "items",
        "warnings",
        "model",
        "strategy",
        "fallback",
        "freshness",
        "took_ms",
    }
    item = answer["items"][0]
    assert set(item) == {"id", "rank", "score", "source", "reason", "product"}
    assert item["reason"] == {
        "code": "similar_item",
        "text": "Similar to Item-0",
        "item_id": "item-0",
    }
    assert set(item["product"]) == {
        "title",
        "url",
        "image_url",
        "price",
        "list_price",
        "currency",
        "brand",
        "in_stock",
        "attributes",
    }
    assert answer["model"]["trained_at"] == "2026-01-01T00:00:00Z"


def test_similar_answers_the_neighbours_and_never_the_item(
    service: Service, shop: Start, key: str
) -> None:
    shop()
    assert service.ids("similar", key, {"item_id": "item-3"}) == ["item-4", "item-5"]


def test_for_user_starts_from_the_history_and_leaves_out_what_was_bought(
    service: Service, shop: Start, key: str
) -> None:
    shop(viewed={"u:ada": [3]}, bought={"u:ada": [4]})
    answer = service.post("for-user", key, {"user_id": "ada", "limit": 2}).json()
    # 3 speaks for 4 (1.0, bought) and 5 (0.5); 4 speaks for 5 (1.0) and 6 (0.5).
    assert [item["id"] for item in answer["items"]] == ["item-5", "item-6"]
    assert answer["strategy"] == "personal"
    assert answer["items"][0]["reason"]["item_id"] == "item-4"
    with_bought = service.ids(
        "for-user", key, {"user_id": "ada", "limit": 2, "exclude_purchased": False}
    )
    assert with_bought == ["item-5", "item-4"]


def test_user_and_visitor_of_the_same_id_are_two_people(
    service: Service, shop: Start, key: str
) -> None:
    shop(viewed={"u:ada": [3]})
    answer = service.post("for-user", key, {"anonymous_id": "ada"}).json()
    assert answer["fallback"] == {"from": "personal", "to": "popular", "reason": "unknown_shopper"}


def test_a_recent_event_changes_the_answer_of_a_shopper_the_model_never_saw(
    service: Service, shop: Start, key: str, recent: Callable[..., None]
) -> None:
    shop()
    recent("a:visitor", ("item-5", "view"))
    answer = service.post("for-user", key, {"anonymous_id": "visitor", "limit": 1}).json()
    assert answer["items"][0]["id"] == "item-6"
    assert answer["freshness"]["watermark"] == "e1-7"
    recent("a:visitor", ("item-6", "purchase"))
    assert service.ids("for-user", key, {"anonymous_id": "visitor", "limit": 1}) == ["item-7"]
    recent("a:visitor", ("item-6", "refund"))
    assert "item-6" in service.ids("for-user", key, {"anonymous_id": "visitor"})


def test_session_items_speak_and_do_not_come_back(service: Service, shop: Start, key: str) -> None:
    shop()
    ids = service.ids("for-user", key, {"session": ["item-2"], "limit": 8})
    assert ids[:2] == ["item-3", "item-4"]
    assert "item-2" not in ids


def test_excluded_items_and_unknown_ids(service: Service, shop: Start, key: str) -> None:
    shop()
    answer = service.post(
        "for-user", key, {"session": ["item-2", "nothing"], "exclude": ["item-3"]}
    ).json()
    assert "item-3" not in [item["id"] for item in answer["items"]]
    assert answer["warnings"] == [{"code": "item_not_found", "pointer": "/session/1"}]


@pytest.mark.parametrize(
    "change",
    [
        {"in_stock": False},
        {"recommendable": False},
        {"deleted_at": "2026-01-01T00:00:00Z"},
        {"available_until": "2020-01-01T00:00:00Z"},
        {"available_from": "2120-01-01T00:00:00Z"},
    ],
)
def test_a_change_of_an_item_is_seen_within_two_seconds(
    service: Service, acorn_hand: Hand, shop: Start, key: str, change: dict[str, Any]
) -> None:
    shop()
    assert "item-1" in service.ids("popular", key)
    acorn_hand.put("item-1", **change)
    eventually(lambda: "item-1" not in service.ids("popular", key))
    # A sold-out item is still a good seed.
    assert service.ids("similar", key, {"item_id": "item-1"}) == ["item-2", "item-3"]


def test_one_item_of_a_group_and_none_of_the_given_ones(
    service: Service, acorn_hand: Hand, shop: Start, key: str
) -> None:
    shop()
    for item_id in ("item-0", "item-1", "item-2"):
        acorn_hand.put(item_id, group_id="shirt")
    eventually(lambda: service.ids("popular", key, {"limit": 2}) == ["item-0", "item-3"])
    every = service.ids("popular", key, {"limit": 2, "collapse": "none"})
    assert every == ["item-0", "item-1"]
    assert service.ids("similar", key, {"item_id": "item-1"}) == ["item-3"]
    by_group = service.ids("for-user", key, {"session": ["shirt"]})
    assert not {"item-0", "item-1", "item-2"} & set(by_group)
    assert service.post("popular", key).json()["items"][0]["group_id"] == "shirt"


def test_an_alias_names_its_item(service: Service, acorn_hand: Hand, shop: Start, key: str) -> None:
    acorn_hand.put("item-3", aliases=["old-3"])
    shop()
    assert service.ids("similar", key, {"item_id": "old-3"}) == ["item-4", "item-5"]


def test_popular_in_a_category(service: Service, acorn_hand: Hand, shop: Start, key: str) -> None:
    acorn_hand.put("item-6", categories=["Home > Kitchen"])
    acorn_hand.put("item-4", categories=["Home"])
    shop()
    assert service.ids("popular", key, {"category": "Home"}) == ["item-4", "item-6"]
    assert service.ids("popular", key, {"category": "Garden"}) == []


def test_an_item_newer_than_the_model_is_among_the_recently_viewed(
    service: Service, acorn_hand: Hand, shop: Start, key: str, recent: Callable[..., None]
) -> None:
    shop(viewed={"u:ada": [1]})
    acorn_hand.put("new-1")
    acorn_hand.put("new-2", in_stock=False)
    recent("u:ada", ("new-1", "view"), ("new-2", "view"), ("item-3", "view"))
    assert service.ids("recently-viewed", key, {"user_id": "ada"}) == ["item-3", "new-1", "item-1"]
    one = {"user_id": "ada", "limit": 1, "exclude": ["item-3"]}
    assert service.ids("recently-viewed", key, one) == ["new-1"]


def test_what_was_viewed_needs_no_model(
    service: Service, acorn_hand: Hand, key: str, recent: Callable[..., None]
) -> None:
    for item_id in ("oak", "elm", "ash"):
        acorn_hand.put(item_id)
    recent("u:ada", ("oak", "view"), ("elm", "cart"), ("ash", "view"), ("oak", "view"))
    answer = service.post("recently-viewed", key, {"user_id": "ada"}).json()
    assert [item["id"] for item in answer["items"]] == ["oak", "ash"]
    assert (answer["strategy"], answer["fallback"], answer["model"]) == ("history", None, None)
    assert service.ids("recently-viewed", key, {"user_id": "ben"}) == []


def test_reranking_keeps_what_is_newer_than_the_model_behind_the_rest(
    service: Service, acorn_hand: Hand, shop: Start, key: str
) -> None:
    shop()
    acorn_hand.put("new-1")
    acorn_hand.put("new-2")
    acorn_hand.put("new-3", in_stock=False)
    given = {"item_ids": ["new-2", "item-4", "new-3", "new-1", "item-2", "new-2"]}
    assert service.ids("rerank", key, given) == ["item-2", "item-4", "new-2", "new-1"]
    assert service.ids("rerank", key, {**given, "limit": 3}) == ["item-2", "item-4", "new-2"]


def test_a_cart_gets_what_goes_with_its_items(service: Service, shop: Start, key: str) -> None:
    shop()
    body = {"item_ids": ["item-1", "item-3", "nothing"], "limit": 3}
    answer = service.post("cart", key, body).json()
    # Item 2 is a neighbour of item 1, item 4 and 5 of item 3; item 4 is popular as well.
    assert {item["id"] for item in answer["items"]} == {"item-2", "item-4", "item-5"}
    assert {item["reason"]["item_id"] for item in answer["items"]} == {"item-1", "item-3"}
    assert (answer["strategy"], answer["fallback"]) == ("cart", None)
    assert answer["warnings"] == [{"code": "item_not_found", "pointer": "/item_ids/2"}]


@pytest.mark.parametrize(
    ("item_ids", "reason"), [([], "empty_cart"), (["nothing"], "unknown_item")]
)
def test_a_cart_without_known_items_gets_popular_ones(
    service: Service, shop: Start, key: str, item_ids: list[str], reason: str
) -> None:
    shop()
    answer = service.post("cart", key, {"item_ids": item_ids, "limit": 1}).json()
    assert [item["id"] for item in answer["items"]] == ["item-0"]
    assert answer["fallback"] == {"from": "cart", "to": "popular", "reason": reason}


def test_recently_viewed_is_newest_first_and_on_sale(
    service: Service, acorn_hand: Hand, shop: Start, key: str, recent: Callable[..., None]
) -> None:
    shop(viewed={"u:ada": [1]})
    acorn_hand.put("item-2", in_stock=False)
    recent("u:ada", ("item-5", "view"), ("item-2", "view"), ("item-7", "view"))
    assert service.ids("recently-viewed", key, {"user_id": "ada"}) == ["item-7", "item-5", "item-1"]
    assert service.ids("recently-viewed", key, {"user_id": "nobody"}) == []


def test_rerank_orders_the_given_items_alone(service: Service, shop: Start, key: str) -> None:
    shop(viewed={"u:ada": [4]})
    body = {"item_ids": ["item-0", "item-5", "nothing", "item-6"], "user_id": "ada"}
    answer = service.post("rerank", key, body).json()
    assert [item["id"] for item in answer["items"]] == ["item-5", "item-6", "item-0"]
    assert answer["warnings"] == [{"code": "item_not_found", "pointer": "/item_ids/2"}]


def test_an_objection_ends_personal_answers_within_two_seconds(
    service: Service, acorn_hand: Hand, shop: Start, key: str
) -> None:
    shop(viewed={"u:ada": [3]})
    body = {"user_id": "ada"}
    assert service.post("for-user", key, body).json()["strategy"] == "personal"
    acorn_hand.object_to_profiling("ada")
    eventually(lambda: service.post("for-user", key, body).json()["strategy"] == "popular")
    assert service.post("for-user", key, body).json()["fallback"]["reason"] == "not_personalised"


def test_redis_away_means_no_watermark_and_an_answer(
    serve: Callable[[Config], Service], serving_config: Config, shop: Start, key: str
) -> None:
    shop(viewed={"u:ada": [3]})
    service = serve(serving_config.model_copy(update={"redis_url": "unix:///nonexistent"}))
    answer = service.post("for-user", key, {"user_id": "ada"}).json()
    assert answer["strategy"] == "personal"
    assert answer["freshness"]["watermark"] is None
