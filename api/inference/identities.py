"""Who visitors turned out to be: from it follows whose behaviour a call may look at.

A visitor is one user at a time. What it did before its first link is that link's user's; what it
did under a later link is the later user's, so that a shared device does not mix two customers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import inf
from types import MappingProxyType
from typing import NamedTuple

from api.inference.erasures import Erasures, Span, Trace
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


class Identities:
    """The links of one environment; one thread applies, others read."""

    def __init__(self, erasures: Erasures | None = None) -> None:
        self.erasures = Erasures() if erasures is None else erasures
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
        links = self._links_of(anonymous_id, {})
        return links[-1] if links else None

    def has_news(self, told: Mapping[str, Link]) -> bool:
        """Say whether some link that Redis tells of was not read here yet."""
        for visitor, link in told.items():
            latest = self.latest(visitor)
            if latest is None or latest < link:
                return True
        return False

    def traces(
        self,
        *,
        user_id: str | None,
        anonymous_id: str | None,
        told: Mapping[str, Link] = MappingProxyType({}),
    ) -> list[Trace]:
        """Return the behaviour of the shopper that a call names.

        Parameters
        ----------
        told
            By visitor, a link that Redis knows of, perhaps before it was read here.
        """
        links = () if anonymous_id is None else self._links_of(anonymous_id, told)
        person = user_id
        if person is None and links:
            person = links[-1].user_id
        traces = []
        if person is not None:
            traces.append(Trace(user_key(person)))
            for visitor in dict.fromkeys((*self._visitors.get(person, ()), *told)):
                if visitor != anonymous_id:
                    traces += _trace(visitor, self._links_of(visitor, told), person)
        if anonymous_id is not None:
            traces += (
                _trace(anonymous_id, links, person)
                if links and person is not None
                else [Trace(anonymous_key(anonymous_id))]
            )
        return [self.erasures.cut(trace) for trace in traces]

    def _links_of(self, visitor: str, told: Mapping[str, Link]) -> tuple[Link, ...]:
        links = self._links.get(visitor, ())
        link = told.get(visitor)
        if link is not None and link not in links:
            links = tuple(sorted({*links, link}))
        return self._living(links)

    def _living(self, links: tuple[Link, ...]) -> tuple[Link, ...]:
        """Return the links since the last one of a user who was erased: the visitor began anew."""
        for place in range(len(links), 0, -1):
            link = links[place - 1]
            if link.since_ms < self.erasures.erased_at(user_key(link.user_id)):
                return links[place:]
        return links


def _trace(visitor: str, links: Sequence[Link], person: str) -> list[Trace]:
    bounds = [-inf, *(link.since_ms for link in links[1:]), inf]
    spans: tuple[Span, ...] = tuple(
        (since, until)
        for link, since, until in zip(links, bounds, bounds[1:], strict=False)
        if link.user_id == person
    )
    if not spans:
        return []
    return [Trace(anonymous_key(visitor), spans, is_from_the_beginning=spans[0][0] == -inf)]
