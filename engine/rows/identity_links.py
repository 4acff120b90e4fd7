"""Decides which sightings of a visitor with a user say something new."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple


class Sighting(NamedTuple):
    """A visitor and a user named together at a moment."""

    anonymous_id: str
    at: datetime
    user_id: str


class Link(NamedTuple):
    """From this moment on a visitor is this user."""

    valid_from: datetime
    user_id: str


@dataclass(frozen=True, slots=True)
class NewLink:
    """A link to be made.

    Attributes
    ----------
    owner_before
        Whose the visitor's behaviour before it is: the earlier user's, else the link's own.
    is_latest
        Whether it says who the visitor is now.
    """

    anonymous_id: str
    user_id: str
    valid_from: datetime
    owner_before: str
    is_latest: bool


def new_links(
    sightings: Iterable[Sighting], *, known: Mapping[str, Sequence[Link]]
) -> list[NewLink]:
    """Return the links to be made; `known` holds each visitor's links, earliest first.

    >>> one, two = datetime(2026, 1, 5, 13), datetime(2026, 1, 5, 14)
    >>> seen = [Sighting("tab", one, "ada"), Sighting("tab", two, "b")]
    >>> [(link.user_id, link.owner_before, link.is_latest) for link in new_links(seen, known={})]
    [('ada', 'ada', False), ('b', 'ada', True)]
    """
    links = {visitor: list(each) for visitor, each in known.items()}
    made: dict[tuple[str, datetime], str] = {}
    for anonymous_id, at, user_id in sorted(sightings):
        own = links.setdefault(anonymous_id, [])
        is_taken = any(link.valid_from == at for link in own)
        if not is_taken and _owner(own, at) != user_id:
            own.append(Link(at, user_id))
            own.sort()
            made[anonymous_id, at] = user_id
    return [
        NewLink(
            anonymous_id=anonymous_id,
            user_id=user_id,
            valid_from=at,
            owner_before=_owner_before(links[anonymous_id], at),
            is_latest=links[anonymous_id][-1].valid_from == at,
        )
        for (anonymous_id, at), user_id in made.items()
    ]


def _owner(links: Sequence[Link], at: datetime) -> str | None:
    """Return who the visitor is at a moment; what came before the first link is its user's."""
    if not links:
        return None
    return next((link for link in reversed(links) if link.valid_from <= at), links[0]).user_id


def _owner_before(links: Sequence[Link], at: datetime) -> str:
    earlier = [link for link in links if link.valid_from < at]
    return (earlier or links)[-1 if earlier else 0].user_id
