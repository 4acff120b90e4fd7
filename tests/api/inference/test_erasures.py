"""An erased shopper is unknown to serving, whatever models and Redis still hold."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from math import inf

import pytest
from django.utils import timezone

from api.inference.erasures import Erasures, Trace
from api.inference.identities import Identities
from api.inference.link_table import LinkRow
from engine.services.delete_event import delete_event
from engine.services.remove_old_artifacts import artifacts_of
from engine.services.write_users import delete_user, patch_user
from saas.lib.config import Config
from saas.lib.erasures import Erasure, digest_of, read_erasures, write_erasures
from saas.lib.recent_events import RecentEvent, pack, recent_list
from saas.lib.redis_client import redis_client
from tenants.context import in_environment
from tenants.models.environment import Environment
from tests.api.inference.conftest import Hand, Service, eventually
from tests.api.inference.test_identities import identities
from tests.api.inference.test_identity import ago, first_for, merge, seen_by, view
from tests.engine.privacy import erase, remove_all, request_erasure, run_jobs

SCHEMA = "t_acorn"


@pytest.fixture
def store(acorn_hand: Hand) -> Iterator[Environment]:
    """Acorn Books with real commits; what a test leaves is removed."""
    acorn = acorn_hand.environment
    yield acorn
    remove_all(acorn)
    shutil.rmtree(artifacts_of(acorn.pk), ignore_errors=True)


@pytest.fixture
def key(acorn_hand: Hand) -> str:
    return acorn_hand.make_key()


def is_unknown(service: Service, key: str, **who: str) -> bool:
    """Say whether serving neither knows what the shopper did nor what it bought."""
    answer = service.post("for-user", key, who).json()
    return bool(
        answer["fallback"] is not None
        and answer["fallback"]["reason"] == "unknown_shopper"
        and answer["items"][0]["id"] == "item-0"
        and seen_by(service, key, **who) == []
    )


def test_a_model_that_knows_an_erased_user_does_not_tell(
    service: Service, shop: Callable[..., None], store: Environment, key: str
) -> None:
    shop(viewed={"u:ada": [3], "u:ben": [3]}, bought={"u:ada": [6]})
    assert first_for(service, key, user_id="ada") == "item-4"
    request_erasure(store, user_id="ada")
    eventually(lambda: is_unknown(service, key, user_id="ada"))
    assert first_for(service, key, user_id="ben") == "item-4"


def test_a_visitor_of_an_erased_user_is_nobody_again(
    service: Service, shop: Callable[..., None], store: Environment, key: str
) -> None:
    shop(viewed={"a:tab": [3], "u:ada": [5]})
    merge(store, "tab", "ada", at=ago(100))
    eventually(lambda: len(seen_by(service, key, user_id="ada")) == 2)
    request_erasure(store, user_id="ada")
    eventually(lambda: is_unknown(service, key, user_id="ada"))
    assert is_unknown(service, key, anonymous_id="tab")
    view(store, "item-1", at=datetime.now(UTC), user_id="ada")
    view(store, "item-2", at=datetime.now(UTC), anonymous_id="tab")
    assert seen_by(service, key, user_id="ada") == ["item-1"]
    assert seen_by(service, key, anonymous_id="tab") == ["item-2"]
    merge(store, "tab", "ada", at=datetime.now(UTC))
    assert seen_by(service, key, anonymous_id="tab") == ["item-2", "item-1"]


def test_what_redis_still_holds_is_not_served(
    service: Service, shop: Callable[..., None], store: Environment, key: str
) -> None:
    shop()
    request_erasure(store, user_id="ada")
    # An event that was stored before the erasure, and published after it.
    old = RecentEvent("item-3", "view", int(ago(60).timestamp() * 1000))
    redis_client().lpush(recent_list(store.pk, "u:ada"), pack(old))
    eventually(lambda: is_unknown(service, key, user_id="ada"))
    run_jobs(store)
    assert not redis_client().exists(recent_list(store.pk, "u:ada"))


def test_the_lists_in_redis_go_with_the_answer(store: Environment) -> None:
    view(store, "item-1", user_id="ada", session_id="s1")
    view(store, "item-2", anonymous_id="tab")
    merge(store, "tab", "ada", at=timezone.now())
    lists = [recent_list(store.pk, each) for each in ("u:ada", "s:s1", "a:tab")]
    assert redis_client().exists(*lists) == 2
    request_erasure(store, user_id="ada")
    assert redis_client().exists(*lists) == 0


def test_an_objection_is_forgotten_with_the_user_and_a_new_one_holds(
    service: Service, shop: Callable[..., None], store: Environment, key: str
) -> None:
    def object_to_it() -> None:
        with in_environment(store):
            patch_user(environment=store, user_id="ada", members={"personalise": False})

    def reason() -> str | None:
        fallback = service.post("for-user", key, {"user_id": "ada"}).json()["fallback"]
        return None if fallback is None else str(fallback["reason"])

    shop(viewed={"u:ada": [3]})
    object_to_it()
    eventually(lambda: reason() == "not_personalised")
    request_erasure(store, user_id="ada")
    eventually(lambda: reason() == "unknown_shopper")
    object_to_it()
    eventually(lambda: reason() == "not_personalised")


def test_a_process_that_starts_without_postgresql_does_not_serve_the_erased(
    shop: Callable[..., None],
    store: Environment,
    key: str,
    serve: Callable[[Config], Service],
    serving_config: Config,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shop(viewed={"u:ada": [3], "u:ben": [3]})
    assert first_for(serve(serving_config), key, user_id="ada") == "item-4"
    folder = serving_config.artifacts / str(store.pk)
    monkeypatch.setattr("engine.services.publish_erasures.artifacts_of", lambda _: folder)
    erase(store, user_id="ada")
    nowhere = serving_config.model_copy(update={"database_url": "postgresql://127.0.0.1:1/none"})
    service = serve(nowhere)
    assert first_for(service, key, user_id="ben") == "item-4"
    assert first_for(service, key, user_id="ada") is None


def test_purchases_count_again_in_a_model_that_read_the_store_afterwards() -> None:
    later = Trace("u:ada", ((5.0, inf),), forgotten_seq=7)
    assert later.owns_purchases(change_seq=7)
    assert not later.owns_purchases(change_seq=6)


def test_a_deleted_user_is_unknown_until_the_store_speaks_of_it_again(
    service: Service, shop: Callable[..., None], store: Environment, key: str
) -> None:
    shop(viewed={"u:ada": [3]}, bought={"u:ada": [6]})
    with in_environment(store):
        patch_user(environment=store, user_id="ada", members={"attributes": {"city": "Ulm"}})
    view(store, "item-5", user_id="ada")
    assert "item-5" in seen_by(service, key, user_id="ada")
    with in_environment(store):
        delete_user(environment=store, user_id="ada")
    assert not redis_client().exists(recent_list(store.pk, "u:ada"))
    eventually(lambda: is_unknown(service, key, user_id="ada"))
    with in_environment(store):
        patch_user(environment=store, user_id="ada", members={"attributes": {"city": "Bonn"}})
    eventually(lambda: "item-3" in seen_by(service, key, user_id="ada"))


def erasure(key: str, since: float | None, until: float, *, seq: int = 1) -> Erasure:
    return Erasure(digest_of(key, schema_name=SCHEMA), since, until, seq)


def cut(own: Identities, *erased: Erasure) -> Identities:
    own.erasures.apply(erased, schema_name=SCHEMA)
    return own


def test_an_erased_span_is_cut_out_of_a_trace() -> None:
    own = cut(identities(), erasure("a:tab", 10, 20), erasure("a:tab", None, 5, seq=3))
    (trace,) = own.traces(user_id=None, anonymous_id="tab")
    assert (trace.spans, trace.forgotten_seq) == (((5, 10), (20, inf)), 3)


def test_a_shared_device_stays_with_its_later_user() -> None:
    own = cut(
        identities(("tab", "ada", 10), ("tab", "ben", 20)),
        erasure("u:ada", None, 50),
        erasure("a:tab", None, 20),
    )
    user, visitor = own.traces(user_id=None, anonymous_id="tab")
    assert (user.key, visitor.key, visitor.spans) == ("u:ben", "a:tab", ((20, inf),))


def test_a_user_who_comes_back_is_met_through_new_links_alone() -> None:
    own = cut(identities(("tab", "ada", 10)), erasure("u:ada", None, 50))
    assert own.latest("tab") is None
    assert [trace.key for trace in own.traces(user_id="ada", anonymous_id=None)] == ["u:ada"]
    own.apply([LinkRow(1, "tab", "ada", 60)])
    latest = own.latest("tab")
    assert latest is not None
    assert latest.since_ms == 60


def test_erasures_that_are_told_twice_are_one() -> None:
    own = Erasures()
    for _ in range(2):
        own.apply([erasure("u:ada", None, 5)], schema_name=SCHEMA)
    assert own.cut(Trace("u:ada")).spans == ((5, inf),)


def test_the_file_beside_the_models_keeps_what_was_written(serving_config: Config) -> None:
    folder = serving_config.artifacts / "1"
    assert read_erasures(folder) == []
    write_erasures(folder, [erasure("u:ada", None, 5), erasure("a:tab", 1, 2)])
    assert read_erasures(folder) == [erasure("u:ada", None, 5), erasure("a:tab", 1, 2)]


def test_a_deleted_event_is_gone_from_redis_wherever_it_went(
    service: Service, shop: Callable[..., None], store: Environment, key: str
) -> None:
    shop()
    row = {"event_id": "e1", "session_id": "s1"}
    view(store, "item-5", at=ago(60), anonymous_id="tab", **row)
    view(store, "item-6", at=ago(50), anonymous_id="tab", session_id="s1")
    merge(store, "tab", "ada", at=ago(40))
    assert seen_by(service, key, user_id="ada") == ["item-6", "item-5"]
    with in_environment(store):
        delete_event(environment=store, event_id="e1")
    assert seen_by(service, key, user_id="ada") == ["item-6"]
    assert seen_by(service, key, session_id="s1") == ["item-6"]
