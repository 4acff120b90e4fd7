"""Crashes under load, and the judgement: all that was acknowledged is there, and there once."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from tests.chaos.developer import BrokenPromiseError, Tally, expect
from tests.chaos.importers import CatalogueImporter, EventImporter
from tests.chaos.senders import EventSender, ItemSender, Sender
from tests.chaos.stack import Shop, Stack

# The servers most of all: every other process feels their loss, and they are back at once.
DECK = (
    *["postgres"] * 8,
    *["valkey"] * 6,
    *["web"] * 2,
    *["worker"] * 2,
    *["dispatcher"] * 2,
)
SENDERS: tuple[tuple[type[Sender], int], ...] = (
    (EventSender, 3),
    (ItemSender, 2),
    (EventImporter, 1),
)
# Between two crashes, so that each hits processes at work.
ANSWERS = 5
LONGEST_PAUSE_SECONDS = 0.4


def deal(*, seed: str, crashes: int) -> Iterator[list[str]]:
    """Yield rounds of crashes: who dies, one after the other, each deck shuffled anew."""
    dealer = random.Random(seed)
    for start in range(0, crashes, len(DECK)):
        yield dealer.sample(DECK, len(DECK))[: crashes - start]


class Siege:
    """A stack, those who send to it, and what they were told."""

    def __init__(self, stack: Stack, *, seed: str) -> None:
        self._stack = stack
        self._random = random.Random(seed)
        self.tally = Tally()
        self._on_live: list[Sender] = [
            kind(stack.live, self.tally, name=f"{kind.__name__}-{number}", seed=seed)
            for kind, times in SENDERS
            for number in range(times)
        ]
        # It replaces the whole catalogue, so it has one of its own.
        self._on_test: list[Sender] = [
            CatalogueImporter(stack.test, self.tally, name="catalogue", seed=seed)
        ]
        self._judged_events = 0

    def run(self, victims: Iterable[str], *, after_crash: Callable[[str], None]) -> None:
        """Let processes die under load, let every request be answered, and judge.

        Raises
        ------
        BrokenPromiseError
            Something is missing, or there twice, or was answered as it must not be.
        """
        with self._senders_at_work():
            for victim in victims:
                self._stack.wait_until_ready(victim)
                self.tally.wait_for_answers(ANSWERS)
                time.sleep(self._random.uniform(0, LONGEST_PAUSE_SECONDS))
                self._stack.crash(victim)
                after_crash(victim)
                if self.tally.broken_promises:
                    break
        if self.tally.broken_promises:
            raise BrokenPromiseError("\n".join(self.tally.broken_promises))
        self._judge_events()
        self._judge_items(self._stack.live, self._on_live)
        self._judge_items(self._stack.test, self._on_test)

    @contextmanager
    def _senders_at_work(self) -> Iterator[None]:
        stop = threading.Event()

        def work(sender: Sender) -> None:
            try:
                while not stop.is_set():
                    sender.send()
            except Exception as error:  # noqa: BLE001  # a thread's edge: whoever waits is told
                self.tally.note(f"{sender.name}: {error!r}")

        threads = [
            threading.Thread(target=work, args=[sender], daemon=True)
            for sender in (*self._on_live, *self._on_test)
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            stop.set()
        for thread in threads:
            thread.join()

    def _judge_events(self) -> None:
        query = f"SELECT id, session_id FROM engine_event WHERE id > {self._judged_events}"
        rows = self._stack.rows(self._stack.live, query)
        stored = Counter(mark for _, mark in rows)
        sent = {mark for sender in self._on_live for mark in sender.events}
        expect("acknowledged events that are missing", sent - stored.keys(), set())
        expect("events that nobody sent", stored.keys() - sent, set())
        expect("events stored twice", {mark for mark in stored if stored[mark] > 1}, set())
        self._judged_events = max((row[0] for row in rows), default=self._judged_events)
        for sender in self._on_live:
            sender.events.clear()

    def _judge_items(self, shop: Shop, senders: Iterable[Sender]) -> None:
        query = "SELECT item_id, CASE WHEN deleted_at IS NULL THEN title END FROM engine_item"
        stored = dict(self._stack.rows(shop, query))
        sent = {item_id: title for sender in senders for item_id, title in sender.items.items()}
        differing = {key for key in stored.keys() | sent.keys() if stored.get(key) != sent.get(key)}
        expect("items that are not as acknowledged", differing, set())
