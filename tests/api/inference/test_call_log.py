"""What operators read of calls: each slow one with where its time went, and some of the others."""

from __future__ import annotations

from typing import Any

import pytest
import structlog

from api.inference import call
from tests.api.inference.conftest import Hand, Service

PARTS = ["credentials", "body", "decoding", "shopper", "turn", "scoring", "sending"]


def calls_logged(service: Service, hand: Hand, *, times: int = 1) -> list[Any]:
    key = hand.make_key()
    service.post("popular", key)
    with structlog.testing.capture_logs() as lines:
        for _ in range(times):
            service.post("popular", key, headers={"X-Request-Id": "req_of_the_test"})
    return [line for line in lines if line["event"] in {"call", "slow_call"}]


def test_a_slow_call_is_logged_with_its_parts(
    service: Service, acorn_hand: Hand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call, "SLOW_SECONDS", 0)
    (line,) = calls_logged(service, acorn_hand)
    assert (line["event"], line["log_level"]) == ("slow_call", "warning")
    assert (line["operation"], line["request_id"]) == ("popular", "req_of_the_test")
    assert line["environment"] == acorn_hand.environment.id
    assert list(line["milliseconds"]) == PARTS
    assert sum(line["milliseconds"].values()) <= line["seconds"] * 1000 + 0.1


def test_some_of_the_others_are_logged(
    service: Service, acorn_hand: Hand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call, "SLOW_SECONDS", 60)
    monkeypatch.setattr(call, "SAMPLED_CALLS", 3)
    lines = calls_logged(service, acorn_hand, times=6)
    assert [line["event"] for line in lines] == ["call", "call"]


def test_the_boxes_of_a_page_add_up(
    service: Service, acorn_hand: Hand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call, "SLOW_SECONDS", 0)
    key = acorn_hand.make_key()
    boxes = {"requests": [{"type": "popular"}, {"type": "popular"}]}
    service.request(
        "POST", "/v1/recommend:batch", json=boxes, headers={"Authorization": f"Bearer {key}"}
    )
    with structlog.testing.capture_logs() as lines:
        service.request(
            "POST", "/v1/recommend:batch", json=boxes, headers={"Authorization": f"Bearer {key}"}
        )
    (line,) = [line for line in lines if line["event"] == "slow_call"]
    assert list(line["milliseconds"]) == PARTS
