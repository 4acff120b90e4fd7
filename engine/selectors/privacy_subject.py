"""Finds whom a privacy request is about: a user with every visitor that turned out to be it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any

import msgspec
from django.db import connection

from engine.models.shopper import Shopper
from saas.lib.recent_events import anonymous_key, user_key


class TimeSpan(msgspec.Struct, frozen=True):
    """From a moment until another; none is open."""

    since: datetime | None = None
    until: datetime | None = None


class Visitor(msgspec.Struct, frozen=True):
    """A browser in the times in which it was the user's.

    Attributes
    ----------
    shopper_id, anonymous_id
        Our row, if any, and the store's id, unless it was erased with another user.
    is_theirs_now
        Whether nobody else has it since.
    """

    shopper_id: int | None
    anonymous_id: str | None
    spans: list[TimeSpan]
    is_theirs_now: bool


class Subject(msgspec.Struct, frozen=True):
    """Somebody, known to the store as a user or as a visitor alone; JSON in a request's row.

    Attributes
    ----------
    shopper_id
        The user's row; None where nobody has seen the user, or there is only a visitor.
    visitors
        Where only a visitor is meant, that one.
    """

    user_id: str | None
    shopper_id: int | None
    visitors: list[Visitor] = []

    @property
    def anonymous_ids(self) -> list[str]:
        """Return the visitors that are nobody else's by now."""
        return [
            visitor.anonymous_id
            for visitor in self.visitors
            if visitor.anonymous_id is not None and visitor.is_theirs_now
        ]

    @property
    def span_columns(self) -> tuple[list[int | None], list[Any], list[Any]]:
        """Return the visitors' rows with begins and ends, a column of each for unnest()."""
        own = [
            (visitor.shopper_id, span.since, span.until)
            for visitor in self.visitors
            for span in visitor.spans
        ]
        rows, since, until = zip(*own, strict=True) if own else ((), (), ())
        return list(rows), list(since), list(until)

    @property
    def ids(self) -> list[str]:
        """Return every id that is the subject's alone."""
        return [*([] if self.user_id is None else [self.user_id]), *self.anonymous_ids]

    @property
    def shopper_keys(self) -> list[str]:
        """Return what serving and Redis know the subject by."""
        user = [] if self.user_id is None else [user_key(self.user_id)]
        return [*user, *map(anonymous_key, self.anonymous_ids)]


_SHOPPER = "SELECT id FROM engine_shopper WHERE kind = %s AND external_id = %s"
_USER_NOW = """
    SELECT shopper.id, shopper.external_id
    FROM engine_identitylink AS link
    JOIN engine_shopper AS shopper ON shopper.id = link.user_id
    WHERE link.anonymous_id = %s AND shopper.kind = 'user'
    ORDER BY link.valid_from DESC LIMIT 1
"""
# The sessions of the last events, as many as Redis may still have lists of.
_SESSIONS = """
    SELECT DISTINCT session_id FROM (
        SELECT session_id FROM engine_event
        WHERE user_id = %s OR (user_id IS NULL AND anonymous_id = ANY(%b::int[]))
        ORDER BY id DESC LIMIT 1000
    ) AS newest
    WHERE session_id IS NOT NULL
"""
_LINKS = """
    SELECT link.anonymous_id, visitor.kind, visitor.external_id, link.user_id, link.valid_from
    FROM engine_identitylink AS link
    JOIN engine_shopper AS visitor ON visitor.id = link.anonymous_id
    WHERE link.anonymous_id IN (SELECT anonymous_id FROM engine_identitylink WHERE user_id = %s)
    ORDER BY link.anonymous_id, link.valid_from
"""


def privacy_subject(*, user_id: str | None, anonymous_id: str | None) -> Subject:
    """Return whom an id means; a visitor means the user that it is now, if any."""
    if user_id is not None:
        return _user(_shopper_id(Shopper.Kind.USER, user_id), user_id)
    visitor = _shopper_id(Shopper.Kind.ANONYMOUS, anonymous_id or "")
    with connection.cursor() as cursor:
        cursor.execute(_USER_NOW, [visitor])
        now = cursor.fetchone()
    if now is not None:
        return _user(*now)
    alone = Visitor(visitor, anonymous_id, spans=[TimeSpan()], is_theirs_now=True)
    return Subject(user_id=None, shopper_id=None, visitors=[alone])


def recent_sessions(subject: Subject) -> list[str]:
    """Return the sessions of the subject's last events."""
    visitors = [visitor.shopper_id for visitor in subject.visitors if visitor.is_theirs_now]
    with connection.cursor() as cursor:
        cursor.execute(_SESSIONS, [subject.shopper_id, visitors])
        return [session_id for (session_id,) in cursor]


def _user(shopper_id: int | None, user_id: str) -> Subject:
    if shopper_id is None:
        return Subject(user_id=user_id, shopper_id=None)
    with connection.cursor() as cursor:
        cursor.execute(_LINKS, [shopper_id])
        rows = cursor.fetchall()
    return Subject(
        user_id=user_id,
        shopper_id=shopper_id,
        visitors=[
            _visitor(list(links), shopper_id) for _, links in groupby(rows, key=itemgetter(0))
        ],
    )


def _visitor(links: Sequence[tuple[int, str, str, int, datetime]], shopper_id: int) -> Visitor:
    id_, kind, external_id, *_ = links[0]
    owners = [(user, valid_from) for *_, user, valid_from in links]
    return Visitor(
        shopper_id=id_,
        anonymous_id=external_id if kind == Shopper.Kind.ANONYMOUS else None,
        spans=list(_spans(owners, shopper_id)),
        is_theirs_now=owners[-1][0] == shopper_id,
    )


def _spans(owners: Sequence[tuple[int, datetime]], shopper_id: int) -> Iterable[TimeSpan]:
    """Return a user's spans; what came before the first link is its user's."""
    begins = [None, *(valid_from for _, valid_from in owners[1:])]
    ends = [*begins[1:], None]
    for (user, _), since, until in zip(owners, begins, ends, strict=True):
        if user == shopper_id:
            yield TimeSpan(since, until)


def _shopper_id(kind: str, external_id: str) -> int | None:
    with connection.cursor() as cursor:
        cursor.execute(_SHOPPER, [kind, external_id])
        row = cursor.fetchone()
    return None if row is None else int(row[0])
