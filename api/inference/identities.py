"""Who visitors turned out to be: from it follows whose behaviour a call may look at.

A visitor is one user at a time. What it did before its first link is that link's user's; what it
did under a later link is the later user's, so that a shared device does not mix two customers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import inf
from typing import NamedTuple

from saas.lib.recent_events import anonymous_key, user_key

# Somebody with more browsers than this is followed on the ones linked last.
MAX_VISITORS = 5
# Measured with ids of 38 and 13 characters.
_BYTES_OF_LINK = 400


class Link(NamedTuple):
    """From this moment on (epoch milliseconds) a visitor is this user."""

    since_ms: int
    user_id: str


class LinkRow(NamedTuple):
    """A link as PostgreSQL has it."""

    id: int
    anonymous_id: str
    user_id: str
    since_ms: int


@dataclass(frozen=True, slots=True)
class Trace:
    """Behaviour of the shopper: what was done under a key, within spans of time."""

    key: str
    spans: tuple[tuple[float, float], ...] = ((-inf, inf),)

    @property
    def is_from_the_beginning(self) -> bool:
        """Say whether the shopper's behaviour under the key begins with the key's own."""
        return self.spans[0][0] == -inf

    def holds(self, epoch_ms: float) -> bool:
        """Say whether what was done at a moment was done by the shopper."""
        return any(since <= epoch_ms < until for since, until in self.spans)


class Identities:
    """The links of one environment; one thread applies, others read."""

    def __init__(self) -> None:
        self._links: dict[str, tuple[Link, ...]] = {}
        self._visitors: dict[str, tuple[str, ...]] = {}
        # One text for each user, however many links it has.
        self._names: dict[str, str] = {}

    @property
    def size_bytes(self) -> int:
        """Return about what the links take."""
        return len(self._links) * _BYTES_OF_LINK

    def apply(self, rows: Iterable[LinkRow]) -> None:
        """Take over new links."""
        for row in rows:
            user_id = self._names.setdefault(row.user_id, row.user_id)
            own = {*self._links.get(row.anonymous_id, ()), Link(row.since_ms, user_id)}
            self._links[row.anonymous_id] = tuple(sorted(own))
            visitors = self._visitors.get(user_id, ())
            kept = [each for each in visitors if each != row.anonymous_id]
            self._visitors[user_id] = (*kept, row.anonymous_id)[-MAX_VISITORS:]

    def latest(self, anonymous_id: str) -> Link | None:
        """Return who a visitor is now."""
        links = self._links.get(anonymous_id)
        return links[-1] if links else None

    def traces(
        self, *, user_id: str | None, anonymous_id: str | None, told: Link | None = None
    ) -> list[Trace]:
        """Return the behaviour of the shopper that a call names.

        Parameters
        ----------
        told
            A link of the visitor that Redis knows of, perhaps before it was read here.
        """
        links = () if anonymous_id is None else self._links.get(anonymous_id, ())
        if told is not None and told not in links:
            links = tuple(sorted({*links, told}))
        person = user_id
        if person is None and links:
            person = links[-1].user_id
        traces = []
        if person is not None:
            traces.append(Trace(user_key(person)))
            for visitor in self._visitors.get(person, ()):
                if visitor != anonymous_id:
                    traces += _trace(visitor, self._links[visitor], person)
        if anonymous_id is not None:
            traces += (
                _trace(anonymous_id, links, person)
                if links and person is not None
                else [Trace(anonymous_key(anonymous_id))]
            )
        return traces


def _trace(visitor: str, links: Sequence[Link], person: str) -> list[Trace]:
    bounds = [-inf, *(link.since_ms for link in links[1:]), inf]
    spans = tuple(
        (since, until)
        for link, since, until in zip(links, bounds, bounds[1:], strict=False)
        if link.user_id == person
    )
    return [Trace(anonymous_key(visitor), spans)] if spans else []
