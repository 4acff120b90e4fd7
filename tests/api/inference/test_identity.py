"""Who a visitor turned out to be: known to serving at once, and never two customers in one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from api.inference.followed import Followed
from engine.models.event import Event
from engine.models.item import ItemRef
from engine.models.shopper import IdentityLink, Shopper
from engine.services.ingest_events import ingest_events
from engine.services.merge_users import merge_users
from engine.services.write_users import patch_user
from saas.lib.config import Config
from saas.lib.redis_client import redis_client
from tenants.context import in_environment
from tenants.models.environment import Environment
from tests.api.inference.conftest import Hand, Service, eventually

# The model's ages count whole seconds; what is done here lies after all that it knows.
NOW = timezone.now()


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


@pytest.fixture
def store(acorn_hand: Hand) -> Iterator[Environment]:
    """Acorn Books with real commits; what a test leaves is removed."""
    yield acorn_hand.environment
    with in_environment(acorn_hand.environment):
        for model in (Event, IdentityLink, Shopper, ItemRef):
            model.objects.all().delete()
    redis_client().flushdb()


@pytest.fixture
def key(acorn_hand: Hand) -> str:
    return acorn_hand.make_key()


def merge(store: Environment, anonymous_id: str, user_id: str, *, at: datetime = NOW) -> None:
    with in_environment(store):
        merge_users(environment=store, anonymous_id=anonymous_id, user_id=user_id, now=at)


def view(store: Environment, item_id: str, *, at: datetime = NOW, **who: str) -> str | None:
    row = {"type": "view", "item_id": item_id, "ts": at.isoformat(), **who}
    with in_environment(store):
        result = ingest_events(environment=store, rows=[row], received_at=NOW)
    return result.watermark


def seen_by(service: Service, key: str, **who: str) -> list[str]:
    return service.ids("recently-viewed", key, who)


def first_for(service: Service, key: str, **who: str) -> str | None:
    answer = service.post("for-user", key, who).json()
    return answer["items"][0]["id"] if answer["strategy"] == "personal" else None


def test_a_merged_visitor_is_served_as_the_user_on_the_next_call(
    service: Service, shop: Callable[..., None], store: Environment, key: str
) -> None:
    shop(viewed={"u:ada": [3]})
    assert first_for(service, key, anonymous_id="tab") is None
    merge(store, "tab", "ada")
    assert first_for(service, key, anonymous_id="tab") == "item-4"


def test_an_event_with_both_ids_merges_at_once_too(
    service: Service, shop: Callable[..., None], store: Environment, key: str
) -> None:
    shop(viewed={"u:ada": [1]})
    view(store, "item-5", anonymous_id="tab", user_id="ada")
    assert seen_by(service, key, anonymous_id="tab") == ["item-5", "item-1"]


def test_what_a_merged_visitor_does_next_is_the_users_at_once(
    service: Service,
    shop: Callable[..., None],
    store: Environment,
    key: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shop()
    assert seen_by(service, key, user_id="ada") == []
    # The next look at PostgreSQL is late.
    monkeypatch.setattr(Followed, "catch_up", lambda *_, **__: None)
    merge(store, "tab", "ada", at=ago(100))
    view(store, "item-5", at=ago(50), anonymous_id="tab")
    assert seen_by(service, key, user_id="ada") == ["item-5"]
    merge(store, "tab", "ben", at=ago(40))
    view(store, "item-6", at=ago(30), anonymous_id="tab")
    assert seen_by(service, key, user_id="ada") == ["item-5"]
    assert seen_by(service, key, user_id="ben") == ["item-6"]


def test_a_merge_is_seen_within_two_seconds_without_redis(
    service: Service, shop: Callable[..., None], store: Environment, key: str
) -> None:
    shop(viewed={"u:ada": [3]})
    assert first_for(service, key, anonymous_id="tab") is None
    merge(store, "tab", "ada")
    redis_client().flushdb()
    eventually(lambda: first_for(service, key, anonymous_id="tab") == "item-4")


def test_what_the_model_knew_of_the_visitor_is_the_users_now(
    service: Service, shop: Callable[..., None], store: Environment, key: str
) -> None:
    shop(viewed={"a:tab": [5]}, bought={"a:tab": [6]})
    merge(store, "tab", "ada")
    # 5 speaks for 6, bought, and 7; 6 speaks for 7 and 0.
    assert first_for(service, key, anonymous_id="tab") == "item-7"
    eventually(lambda: first_for(service, key, user_id="ada") == "item-7")


def test_a_merge_that_was_made_before_the_process_started_is_known(
    shop: Callable[..., None],
    store: Environment,
    key: str,
    serve: Callable[[Config], Service],
    serving_config: Config,
) -> None:
    shop(viewed={"u:ada": [3]})
    merge(store, "tab", "ada")
    redis_client().flushdb()
    assert first_for(serve(serving_config), key, anonymous_id="tab") == "item-4"


@pytest.mark.parametrize("redis_is_lost_after", [False, True])
def test_a_shared_device_does_not_mix_two_customers(
    service: Service,
    shop: Callable[..., None],
    store: Environment,
    key: str,
    redis_is_lost_after: bool,  # noqa: FBT001  # pytest passes it by name
) -> None:
    shop()
    view(store, "item-0", at=ago(500), anonymous_id="tab")
    merge(store, "tab", "ada", at=ago(400))
    view(store, "item-1", at=ago(300), anonymous_id="tab")
    assert seen_by(service, key, anonymous_id="tab") == ["item-1", "item-0"]
    merge(store, "tab", "ben", at=ago(200))
    assert seen_by(service, key, anonymous_id="tab") == []
    assert seen_by(service, key, user_id="ada") == ["item-1", "item-0"]
    if redis_is_lost_after:
        redis_client().flushdb()
        eventually(lambda: seen_by(service, key, anonymous_id="tab") == [])
    view(store, "item-2", at=ago(100), anonymous_id="tab")
    eventually(lambda: seen_by(service, key, user_id="ben") == ["item-2"])
    assert seen_by(service, key, anonymous_id="tab") == ["item-2"]
    assert seen_by(service, key, user_id="ada", anonymous_id="tab") == (
        [] if redis_is_lost_after else ["item-1", "item-0"]
    )


def test_what_a_device_did_before_it_changed_hands_stays_with_the_first_user(
    service: Service, shop: Callable[..., None], store: Environment, key: str
) -> None:
    shop(viewed={"a:tab": [3], "u:ben": [1]}, bought={"a:tab": [5]})
    merge(store, "tab", "ada", at=ago(200))
    merge(store, "tab", "ben", at=ago(100))
    eventually(lambda: "item-3" in seen_by(service, key, user_id="ada"))
    assert seen_by(service, key, anonymous_id="tab") == ["item-1"]
    assert seen_by(service, key, user_id="ben", anonymous_id="tab") == ["item-1"]


def test_a_page_that_names_one_user_sees_nothing_of_the_devices_other_user(
    service: Service, shop: Callable[..., None], store: Environment, key: str
) -> None:
    shop(viewed={"u:ada": [3]})
    merge(store, "tab", "ada", at=ago(200))
    view(store, "item-2", at=ago(100), anonymous_id="tab")
    assert seen_by(service, key, user_id="ben", anonymous_id="tab") == []


def test_a_link_that_comes_late_does_not_turn_the_clock_back(
    service: Service, shop: Callable[..., None], store: Environment, key: str
) -> None:
    shop(viewed={"u:ada": [3], "u:ben": [5]})
    merge(store, "tab", "ben", at=ago(100))
    merge(store, "tab", "ada", at=ago(200))
    assert first_for(service, key, anonymous_id="tab") == "item-6"


def test_the_users_objection_holds_for_the_visitor(
    service: Service, shop: Callable[..., None], store: Environment, key: str
) -> None:
    shop(viewed={"u:ada": [3]})
    merge(store, "tab", "ada")
    assert first_for(service, key, anonymous_id="tab") == "item-4"
    with in_environment(store):
        patch_user(environment=store, user_id="ada", members={"personalise": False})
    eventually(lambda: first_for(service, key, anonymous_id="tab") is None)


def test_other_stores_and_environments_know_nothing_of_a_merge(
    service: Service,
    shop: Callable[..., None],
    store: Environment,
    key: str,
    birch_hand: Hand,
    acorn_test_hand: Hand,
) -> None:
    shop(viewed={"u:ada": [3]})
    merge(store, "tab", "ada")
    assert first_for(service, key, anonymous_id="tab") == "item-4"
    for hand in (birch_hand, acorn_test_hand):
        assert service.ids("for-user", hand.make_key(), {"anonymous_id": "tab"}) == []
