"""Who sends marked rows while processes die: events and items, single and in batches, and again."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from typing import Any
from urllib.parse import quote

import orjson
from typing_extensions import override

from tests.chaos.developer import Answer, Developer, Tally, expect
from tests.chaos.stack import Shop

MOST_ROWS = 20


class Sender(ABC):
    """Sends one request after the other, each until it is acknowledged."""

    def __init__(self, shop: Shop, tally: Tally, *, name: str, seed: str) -> None:
        self.name = name
        self.random = random.Random(f"{seed} {name}")
        self.developer = Developer(shop, tally, self.random)
        # What it was told is stored: marks of events, and titles of items (None where deleted).
        self.events: list[str] = []
        self.items: dict[str, str | None] = {}
        self._requests = 0

    def next_mark(self) -> str:
        """Return what no other request of any sender carries."""
        self._requests += 1
        return f"{self.name}-{self._requests}"

    @abstractmethod
    def send(self) -> None:
        """Send one request until it is acknowledged, and perhaps once more."""

    def post_twice(self, path: str, body: dict[str, Any], *, key: str) -> Answer:
        """Send a request with an Idempotency-Key, again after its answer, and compare the two."""
        sent = orjson.dumps(body)
        first = self.developer.insist("POST", path, sent, key=key)
        if self.random.random() < 0.3:
            again = self.developer.insist("POST", path, sent, key=key)
            expect(f"replay of {key}", again.headers.get("Idempotent-Replayed"), "true")
            expect(f"replay of {key}", _lasting(again), _lasting(first))
            self.developer.tally.count(replayed=1)
        return first


def _lasting(answer: Answer) -> Any:
    # A crash between the commit and the watermark leaves the record without one.
    return {name: value for name, value in answer.json.items() if name != "watermark"}


class EventSender(Sender):
    """Sends events, each with a session of its own, which is how they are known again."""

    @override
    def send(self) -> None:
        mark = self.next_mark()
        is_single = self.random.random() < 0.3
        marks = [f"{mark}-{row}" for row in range(1 if is_single else MOST_ROWS)]
        has_key = self.random.random() < 0.5
        # Nothing in such an event says that it came before: only the request's key does.
        has_ids = not has_key or self.random.random() < 0.5
        events = [_event(each, has_id=has_ids) for each in marks]
        body = events[0] if is_single else {"events": events}
        if has_key:
            counts = self.post_twice("/v1/events", body, key=mark).json
            expect(f"{mark}: accepted", counts["accepted"], len(marks))
        else:
            for _ in range(1 if self.random.random() < 0.7 else 2):
                counts = self.developer.insist("POST", "/v1/events", orjson.dumps(body)).json
                expect(f"{mark}: taken", counts["accepted"] + counts["duplicates"], len(marks))
        self.events += marks
        self.developer.tally.count(rows=len(marks))


def _event(mark: str, *, has_id: bool) -> dict[str, Any]:
    event = {"type": "view", "user_id": "u", "session_id": mark, "item_id": f"item-{mark[-1]}"}
    return event | {"event_id": mark} if has_id else event


class ItemSender(Sender):
    """Writes items, and remembers what each was when that was acknowledged."""

    @override
    def send(self) -> None:
        write = self.random.choice([self._put, self._patch, self._delete, self._batch, self._batch])
        write(self.next_mark())

    def _put(self, mark: str) -> None:
        for _ in range(1 if self.random.random() < 0.7 else 2):
            self.developer.insist("PUT", _path(mark), orjson.dumps({"title": mark}))
        self._know({mark: mark})

    def _patch(self, mark: str) -> None:
        if item_id := self._any_item():
            self.developer.insist("PATCH", _path(item_id), orjson.dumps({"title": mark}))
            self._know({item_id: mark})

    def _delete(self, _mark: str) -> None:
        if item_id := self._any_item():
            self.developer.insist("DELETE", _path(item_id))
            self._know({item_id: None})

    def _batch(self, mark: str) -> None:
        new = {f"{mark}/{row}": mark for row in range(MOST_ROWS)}
        body = {"items": [{"id": item_id, "title": title} for item_id, title in new.items()]}
        if self.random.random() < 0.5:
            counts = self.post_twice("/v1/items:batch", body, key=mark).json
            expect(f"{mark}: created", counts["created"], len(new))
        else:
            counts = self.developer.insist("POST", "/v1/items:batch", orjson.dumps(body)).json
            expect(f"{mark}: taken", counts["created"] + counts["unchanged"], len(new))
        self._know(dict(new))

    def _any_item(self) -> str | None:
        there = [item_id for item_id, title in self.items.items() if title is not None]
        return self.random.choice(there) if there else None

    def _know(self, items: dict[str, Any]) -> None:
        self.items |= items
        self.developer.tally.count(rows=len(items))


def _path(item_id: str) -> str:
    return f"/v1/items/{quote(item_id, safe='')}"
