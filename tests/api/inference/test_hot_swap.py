from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from saas.lib.config import Config
from tests.api.inference.conftest import Hand, Service, eventually
from tests.api.inference.models import ITEMS, write_model


@pytest.fixture
def key(acorn_hand: Hand, serving_config: Config) -> str:
    for item_id in ITEMS:
        acorn_hand.put(item_id)
    acorn_hand.go_live(write_model(serving_config.artifacts, acorn_hand.environment.id))
    return acorn_hand.make_key()


def live_version(service: Service, key: str) -> str | None:
    model = service.post("popular", key).json()["model"]
    return str(model["version"]) if model else None


@contextmanager
def calls_under_way(service: Service, key: str) -> Iterator[list[int]]:
    """Call without pause from another thread and collect the statuses."""
    statuses: list[int] = []
    enough = threading.Event()

    def call() -> None:
        while not enough.is_set():
            statuses.append(service.post("for-user", key, {"session": ["item-2"]}).status_code)

    thread = threading.Thread(target=call)
    thread.start()
    yield statuses
    enough.set()
    thread.join()


def test_a_promotion_is_served_within_two_seconds_and_no_call_fails(
    service: Service, acorn_hand: Hand, serving_config: Config, key: str
) -> None:
    first = live_version(service, key)
    with calls_under_way(service, key) as statuses:
        for _ in range(2):
            version = write_model(serving_config.artifacts, acorn_hand.environment.id)
            acorn_hand.go_live(version)
            eventually(lambda wanted=version: live_version(service, key) == wanted)  # type: ignore[misc]
    assert first is not None
    assert len(statuses) > 10
    assert set(statuses) == {200}


def corrupt(folder: Path) -> None:
    file = folder / "serving.arrays"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.chmod(0o644)
    file.write_bytes(content)


def test_a_damaged_version_is_refused_and_the_old_one_serves_on(
    service: Service, acorn_hand: Hand, serving_config: Config, key: str
) -> None:
    old = live_version(service, key)
    environment_id = acorn_hand.environment.id
    damaged = write_model(serving_config.artifacts, environment_id)
    corrupt(serving_config.artifacts / str(environment_id) / damaged)
    acorn_hand.go_live(damaged)
    refused = service.runtime.shelves._models._refused_at
    eventually(lambda: (environment_id, damaged) in refused)
    assert live_version(service, key) == old


def test_another_stores_version_is_refused(
    service: Service, acorn_hand: Hand, birch_hand: Hand, serving_config: Config, key: str
) -> None:
    old = live_version(service, key)
    environment_id = acorn_hand.environment.id
    foreign = write_model(serving_config.artifacts, birch_hand.environment.id)
    shutil.copytree(
        serving_config.artifacts / str(birch_hand.environment.id) / foreign,
        serving_config.artifacts / str(environment_id) / foreign,
    )
    acorn_hand.go_live(foreign)
    refused = service.runtime.shelves._models._refused_at
    eventually(lambda: (environment_id, foreign) in refused)
    assert live_version(service, key) == old


def test_a_store_whose_only_version_is_missing_gets_its_newest_items(
    service: Service, acorn_hand: Hand
) -> None:
    acorn_hand.put("oak")
    acorn_hand.go_live("01ARZ3NDEKTSV4RRFFQ69G5FAV")
    answer = service.post("popular", acorn_hand.make_key()).json()
    assert [item["id"] for item in answer["items"]] == ["oak"]
    assert answer["fallback"]["reason"] == "no_model"


def test_a_version_whose_files_are_removed_under_way_serves_on(
    service: Service, acorn_hand: Hand, serving_config: Config, key: str
) -> None:
    assert service.ids("popular", key, {"limit": 1}) == ["item-0"]
    shutil.rmtree(serving_config.artifacts / str(acorn_hand.environment.id))
    assert service.ids("popular", key, {"limit": 1}) == ["item-0"]


def test_a_database_restored_from_a_backup_is_read_anew(service: Service, acorn_hand: Hand) -> None:
    key = acorn_hand.make_key()
    for item_id in ("oak", "elm"):
        acorn_hand.put(item_id)
    assert service.ids("popular", key) == ["elm", "oak"]
    with acorn_hand.connection.transaction():
        acorn_hand.connection.execute(
            "UPDATE tenants_catalogueclock SET change_seq = change_seq - 1"
            " WHERE environment_id = %s",
            (acorn_hand.environment.id,),
        )
        acorn_hand._become()
        acorn_hand.connection.execute("DELETE FROM engine_item WHERE item_id = 'elm'")
    eventually(lambda: service.ids("popular", key) == ["oak"])
