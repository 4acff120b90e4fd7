"""The thread that keeps shelves current, met at a bad moment."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.api.inference.conftest import Hand, Service, eventually


def test_who_asks_first_while_a_turn_is_under_way_gets_the_next(
    service: Service, acorn_hand: Hand, birch_hand: Hand, monkeypatch: pytest.MonkeyPatch
) -> None:
    acorn_hand.put("oak")
    birch_hand.put("elm")
    acorn_key, birch_key = acorn_hand.make_key(), birch_hand.make_key()
    service.catch_up(birch_hand.control_seq())
    shelves = service.runtime.shelves
    read_changes = shelves._read_changes
    is_under_way = threading.Event()

    def read_while_birch_asks(environments: Any) -> None:
        is_first = environments and not is_under_way.is_set()
        if is_first:
            is_under_way.set()
            eventually(lambda: birch_hand.environment.id in shelves._wanted)
        read_changes(environments)

    monkeypatch.setattr(shelves, "_read_changes", read_while_birch_asks)
    with ThreadPoolExecutor() as thread:
        acorn = thread.submit(service.ids, "popular", acorn_key)
        assert is_under_way.wait(20)
        assert service.ids("popular", birch_key) == ["elm"]
        assert acorn.result() == ["oak"]
