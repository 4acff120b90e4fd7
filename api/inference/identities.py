"""Who visitors turned out to be: from it follows whose behaviour a call may look at.

A visitor is one user at a time. What it did before its first link is that link's user's; what it
did under a later link is the later user's, so that a shared device does not mix two customers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import inf
from types import MappingProxyType

from api.inference.erasures import Erasures, Span, Trace
from api.inference.link_table import Link, LinkRow, no_links
from saas.lib.recent_events import anonymous_key, user_key

# Somebody with more browsers than this is followed on the ones linked last.
MAX_VISITORS = 5
# As Python objects, until enough of them have come to be packed.
_LOOSE_LINKS = 10_000
_BYTES_OF_LOOSE_LINK = 400


class Identities:
    """The links of one environment; one thread applies, others read.

    Readers look at the loose links first: packing puts the packed ones in place before it lets
    the loose ones go, so that none is ever missed.
    """

    def __init__(self, erasures: Erasures | None = None) -> None:
        self.erasures = Erasures() if erasures is None else erasures
        self._loose = _LooseLinks()
        self._packed = no_links()

    @property
    def size_bytes(self) -> int:
        """Return about what the links take."""
        return self._packed.size_bytes + len(self._loose.rows) * _BYTES_OF_LOOSE_LINK

    def apply(self, rows: Iterable[LinkRow]) -> None:
        """Take over new links."""
        for row in rows:
            self._loose.add(row)
        # In proportion, so that a long reading does not pack all of it with each page.
        if len(self._loose.rows) > max(_LOOSE_LINKS, len(self._packed) // 8):
            self._packed = self._packed.extended(self._loose.rows)
            self._loose = _LooseLinks()

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
            for visitor in dict.fromkeys((*self._visitors_of(person), *told)):
                if visitor != anonymous_id:
                    traces += _trace(visitor, self._links_of(visitor, told), person)
        if anonymous_id is not None:
            traces += (
                _trace(anonymous_id, links, person)
                if links and person is not None
                else [Trace(anonymous_key(anonymous_id))]
            )
        return [self.erasures.cut(trace) for trace in traces] if self.erasures else traces

    def _links_of(self, visitor: str, told: Mapping[str, Link]) -> tuple[Link, ...]:
        links = {*self._loose.links.get(visitor, ()), *self._packed.links(visitor)}
        if visitor in told:
            links.add(told[visitor])
        return self._living(tuple(sorted(links)))

    def _visitors_of(self, user_id: str) -> list[str]:
        loose = self._loose.visitors.get(user_id, ())
        packed = self._packed.last_visitors(user_id, most=MAX_VISITORS)
        return [*(each for each in packed if each not in loose), *loose][-MAX_VISITORS:]

    def _living(self, links: tuple[Link, ...]) -> tuple[Link, ...]:
        """Return the links since the last one of a user who was erased: the visitor began anew."""
        for place in range(len(links), 0, -1):
            link = links[place - 1]
            if link.since_ms < self.erasures.erased_at(user_key(link.user_id)):
                return links[place:]
        return links


class _LooseLinks:
    """Links that came lately, by visitor and by user."""

    def __init__(self) -> None:
        self.rows: list[LinkRow] = []
        self.links: dict[str, tuple[Link, ...]] = {}
        self.visitors: dict[str, tuple[str, ...]] = {}

    def add(self, row: LinkRow) -> None:
        """Take over one link."""
        self.rows.append(row)
        links = self.links.get(row.anonymous_id, ())
        self.links[row.anonymous_id] = (*links, Link(row.since_ms, row.user_id))
        visitors = self.visitors.get(row.user_id, ())
        kept = [each for each in visitors if each != row.anonymous_id]
        self.visitors[row.user_id] = (*kept, row.anonymous_id)[-MAX_VISITORS:]


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
