"""A store's developer who does not give up: asks again, the same way, until there is an answer."""

from __future__ import annotations

import http.client
import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import orjson

from tests.chaos.stack import Shop

ANSWER_SECONDS = 20
PATIENCE_SECONDS = 90
POLL_SECONDS = 0.1
# "Come back later", in the contract's words.
AWAY = {"storage_unavailable", "idempotency_in_progress"}


# Of the requests that are known again: we hang up before the answer and ask once more.
SHARE_LEFT = 0.2


class LeftEarlyError(ConnectionError):
    """We did not wait for the answer."""


class BrokenPromiseError(AssertionError):
    """Something that no crash excuses."""


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)


@dataclass
class Tally:
    """What all developers of a round have been through."""

    answered: int = 0
    # Answers to come back later, by code, and connections that broke.
    put_off: Counter[str] = field(default_factory=Counter)
    replayed: int = 0
    imports: int = 0
    rows: int = 0
    broken_promises: list[str] = field(default_factory=list)
    # Several threads count here, between two crashes one waits for the count to grow.
    changed: threading.Condition = field(default_factory=threading.Condition)

    def count(self, **more: int) -> None:
        with self.changed:
            for name, number in more.items():
                setattr(self, name, getattr(self, name) + number)
            self.changed.notify_all()

    def put_off_by(self, reason: str) -> None:
        with self.changed:
            self.put_off[reason] += 1

    def note(self, promise: str) -> None:
        with self.changed:
            self.broken_promises.append(promise)
            self.changed.notify_all()

    def wait_for_answers(self, more: int) -> None:
        """Wait until so many more requests were answered, or until there is no hope."""
        with self.changed:
            enough = self.answered + more
            if not self.changed.wait_for(
                lambda: self.answered >= enough or bool(self.broken_promises),
                timeout=PATIENCE_SECONDS,
            ):
                raise BrokenPromiseError(f"No answer for {PATIENCE_SECONDS} seconds.")


@dataclass(frozen=True)
class Developer:
    """Sends requests to one environment."""

    shop: Shop
    tally: Tally
    random: random.Random

    def insist(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        *,
        content_type: str = "application/json",
        key: str | None = None,
    ) -> Answer:
        """Send a request until it is answered; `key` is its Idempotency-Key."""
        gone = 404 if method == "DELETE" else None
        headers = {"Authorization": f"Bearer {self.shop.key}", "Content-Type": content_type}
        if key is not None:
            headers["Idempotency-Key"] = key
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            try:
                answer = self._ask(method, path, body, headers)
            except (OSError, http.client.HTTPException) as error:
                self.tally.put_off_by(type(error).__name__)
                time.sleep(POLL_SECONDS)
                continue
            # Where the answer to a deletion was lost, its repetition finds nothing.
            if answer.status < 300 or answer.status == gone:
                self.tally.count(answered=1)
                return answer
            code = answer.json["code"]
            if code not in AWAY or "Retry-After" not in answer.headers:
                raise BrokenPromiseError(f"{method} {path}: {answer.status} {answer.body[:500]!r}")
            self.tally.put_off_by(code)
            time.sleep(POLL_SECONDS)
        raise BrokenPromiseError(f"{method} {path}: no answer for {PATIENCE_SECONDS} seconds")

    def _ask(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.shop.port, timeout=ANSWER_SECONDS)
        try:
            connection.request(method, path, body=body, headers=headers)
            # Left behind, another write could take effect after the one that follows it.
            may_leave = "Idempotency-Key" in headers or path == "/v1/events"
            if may_leave and self.random.random() < SHARE_LEFT:
                raise LeftEarlyError
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read())
        finally:
            connection.close()


def expect(what: str, found: object, wanted: object) -> None:
    """Compare two values and say what they are when they differ."""
    if found != wanted:
        raise BrokenPromiseError(f"{what}: {str(found)[:1000]} instead of {str(wanted)[:1000]}")
