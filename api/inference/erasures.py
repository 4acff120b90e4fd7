"""Which times of which shoppers must not be served, though a model or Redis may still hold them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import inf
from typing import NamedTuple, TypeAlias

from saas.lib.erasures import Erasure, digest_of

Span: TypeAlias = tuple[float, float]
_ALWAYS: tuple[Span, ...] = ((-inf, inf),)


class Trace(NamedTuple):
    """Behaviour of the shopper: what was done under a key, within spans of time.

    Attributes
    ----------
    spans
        From, until (epoch milliseconds).
    forgotten_seq
        A model that has read the store up to here was trained without what was erased.
    """

    key: str
    spans: tuple[Span, ...] = _ALWAYS
    is_from_the_beginning: bool = True
    forgotten_seq: float = 0

    @property
    def is_whole(self) -> bool:
        """Say whether it holds whatever was done under the key."""
        return self.spans == _ALWAYS

    def holds(self, epoch_ms: float) -> bool:
        """Say whether what was done at a moment was done by the shopper."""
        # A generator would cost each call twice as much.
        for since, until in self.spans:  # noqa: SIM110
            if since <= epoch_ms < until:
                return True
        return False

    def owns_purchases(self, *, change_seq: int) -> bool:
        """Say whether all that a model says was bought under the key was bought by the shopper.

        Purchases have no times: what the key did begins with the shopper, and what was erased was
        not there any more when the model read the store.
        """
        return self.is_from_the_beginning and self.forgotten_seq <= change_seq


class Erasures:
    """The erased times of one environment; one thread applies, others read."""

    def __init__(self) -> None:
        self._schema_name = ""
        self._erased: dict[bytes, tuple[Erasure, ...]] = {}
        # Users that the store has deleted come back with the next word about them.
        self._deleted: dict[str, float] = {}

    def __bool__(self) -> bool:
        """Say whether anything was erased."""
        return bool(self._erased or self._deleted)

    def apply(self, erasures: Iterable[Erasure], *, schema_name: str) -> None:
        """Take over erasures; what is known already changes nothing."""
        self._schema_name = schema_name
        for erasure in erasures:
            known = self._erased.get(erasure.digest, ())
            if erasure not in known:
                self._erased[erasure.digest] = (*known, erasure)

    def delete(self, key: str, *, at_ms: float | None) -> None:
        """Note when the store deleted a user; None: it has not."""
        if at_ms is None:
            self._deleted.pop(key, None)
        else:
            self._deleted[key] = at_ms

    def erased_at(self, key: str) -> float:
        """Return until when everything under a key was erased (epoch milliseconds)."""
        whole = (each.until_ms for each in self._found(key) if each.since_ms is None)
        return max(whole, default=-inf)

    def erased_seq(self, key: str) -> int:
        """Return the newest erasure's number on the catalogue's clock, 0 for none."""
        return max((each.change_seq for each in self._found(key)), default=0)

    def cut(self, trace: Trace) -> Trace:
        """Return a trace without what was erased."""
        for since, until, forgotten_seq in self._of(trace.key):
            trace = trace._replace(
                spans=tuple(_without(trace.spans, since, until)),
                forgotten_seq=max(trace.forgotten_seq, forgotten_seq),
            )
        return trace

    def _of(self, key: str) -> Iterator[tuple[float, float, float]]:
        if key in self._deleted:
            yield -inf, self._deleted[key], inf
        for each in self._found(key):
            since = -inf if each.since_ms is None else each.since_ms
            yield since, each.until_ms, each.change_seq

    def _found(self, key: str) -> tuple[Erasure, ...]:
        if not self._erased:
            return ()
        return self._erased.get(digest_of(key, schema_name=self._schema_name), ())


def _without(spans: Iterable[Span], since: float, until: float) -> Iterator[Span]:
    """Yield what is left of spans.

    >>> list(_without([(0, 10), (20, 30)], 5, 25))
    [(0, 5), (25, 30)]
    """
    for begin, end in spans:
        if begin < min(end, since):
            yield begin, min(end, since)
        if max(begin, until) < end:
            yield max(begin, until), end
