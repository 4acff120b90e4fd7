"""Links of visitors with users as arrays: each process keeps all of a store's, maybe millions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.core.string_table import StringTable, string_table

# Links with one visitor may stand beside each other, made as it changed hands.
_LOOKED_AT = 10


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
class LinkTable:
    """Links found by their visitor and by their user; it never changes.

    Attributes
    ----------
    visitors, users : StringTable
        The ids; the arrays below hold their rows.
    visitor, user_of_visitor : int32[n_links]
        In the order of visitors, then times.
    since_ms : int64[n_links]
        In the same order.
    user, visitor_of_user : int32[n_links]
        In the order of users, then of the links' making.
    """

    visitors: StringTable
    users: StringTable
    visitor: NDArray[np.int32]
    user_of_visitor: NDArray[np.int32]
    since_ms: NDArray[np.int64]
    user: NDArray[np.int32]
    visitor_of_user: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.visitor)

    @property
    def size_bytes(self) -> int:
        """Return what the arrays take."""
        texts = sum(
            table.blob.nbytes + table.offsets.nbytes + table.hashes.nbytes + table.rows.nbytes
            for table in (self.visitors, self.users)
        )
        # Four columns of rows and one of times.
        return texts + 4 * self.visitor.nbytes + self.since_ms.nbytes

    def links(self, anonymous_id: str) -> list[Link]:
        """Return a visitor's links, earliest first."""
        if not len(self):
            return []
        span = _span(self.visitor, self.visitors.find(anonymous_id))
        return [
            Link(since_ms, self.users[user])
            for since_ms, user in zip(
                self.since_ms[span].tolist(), self.user_of_visitor[span].tolist(), strict=True
            )
        ]

    def last_visitors(self, user_id: str, *, most: int) -> list[str]:
        """Return the visitors that were linked with a user last, the newest last."""
        if not len(self):
            return []
        span = _span(self.user, self.users.find(user_id))
        # A user whom a store gives to all its visitors must not cost a call more than others.
        newest = self.visitor_of_user[span][-_LOOKED_AT * most :].tolist()
        own = list(dict.fromkeys(reversed(newest)))[:most]
        return [self.visitors[row] for row in reversed(own)]

    def extended(self, rows: Sequence[LinkRow]) -> LinkTable:
        """Return the table with newer links, in the order in which they were made."""
        visitors, new_visitor = _added(self.visitors, [row.anonymous_id for row in rows])
        users, new_user = _added(self.users, [row.user_id for row in rows])
        visitor = np.concatenate([self.visitor, new_visitor])
        user_of_visitor = np.concatenate([self.user_of_visitor, new_user])
        since_ms = np.concatenate(
            [self.since_ms, np.array([row.since_ms for row in rows], dtype=np.int64)]
        )
        by_visitor = np.lexsort((since_ms, visitor))
        user = np.concatenate([self.user, new_user])
        visitor_of_user = np.concatenate([self.visitor_of_user, new_visitor])
        by_user = np.argsort(user, kind="stable")
        return LinkTable(
            visitors=visitors,
            users=users,
            visitor=visitor[by_visitor],
            user_of_visitor=user_of_visitor[by_visitor],
            since_ms=since_ms[by_visitor],
            user=user[by_user],
            visitor_of_user=visitor_of_user[by_user],
        )


def no_links() -> LinkTable:
    """Return the table of a store that has merged nobody.

    >>> table = no_links().extended([LinkRow(1, "tab", "ada", 20), LinkRow(2, "tab", "b", 10)])
    >>> table.links("tab"), table.last_visitors("ada", most=5)
    ([Link(since_ms=10, user_id='b'), Link(since_ms=20, user_id='ada')], ['tab'])
    """
    none = np.zeros(0, dtype=np.int32)
    return LinkTable(
        visitors=string_table([]),
        users=string_table([]),
        visitor=none,
        user_of_visitor=none,
        since_ms=np.zeros(0, dtype=np.int64),
        user=none,
        visitor_of_user=none,
    )


def _span(sorted_rows: NDArray[np.int32], row: int | None) -> slice:
    if row is None:
        return slice(0)
    start, stop = np.searchsorted(sorted_rows, np.array([row, row + 1], dtype=np.int32)).tolist()
    return slice(start, stop)


def _added(table: StringTable, texts: Iterable[str]) -> tuple[StringTable, NDArray[np.int32]]:
    """Return the table with the texts that it lacked, and the row of each text."""
    texts = list(texts)
    row_of: dict[str, int] = {}
    new: list[str] = []
    for text in dict.fromkeys(texts):
        row = table.find(text)
        if row is None:
            row = len(table) + len(new)
            new.append(text)
        row_of[text] = row
    return _joined(table, string_table(new)), np.array(
        [row_of[text] for text in texts], dtype=np.int32
    )


def _joined(first: StringTable, second: StringTable) -> StringTable:
    hashes = np.concatenate([first.hashes, second.hashes])
    order = np.argsort(hashes, kind="stable")
    rows = np.concatenate([first.rows, second.rows + np.int32(len(first))])
    return StringTable(
        blob=np.concatenate([first.blob, second.blob]),
        offsets=np.concatenate([first.offsets, second.offsets[1:] + first.offsets[-1]]),
        hashes=hashes[order],
        rows=rows[order].astype(np.int32),
    )
