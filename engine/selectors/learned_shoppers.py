"""Says whose each event is for learning: visitors count as the users they turned out to be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from engine.core.dataset import PROFILE_PREFIXES
from engine.selectors.packed_events import PackedEvents

_LINKS = """
    SELECT anonymous_id, user_id, floor(extract(epoch FROM valid_from))::bigint
    FROM engine_identitylink ORDER BY anonymous_id, valid_from
"""
# Who objected, or was deleted, teaches popularity and co-purchase but gets no profile. Packed by
# the thousands, since a row of its own for each shopper costs more than its name, and parted by
# what no id holds: as JSON it took us half as long again.
_PROFILES = """
    SELECT string_agg(int4send(id), ''::bytea),
        string_agg(CASE kind WHEN 'user' THEN %s ELSE %s END || external_id, chr(31))
    FROM engine_shopper WHERE personalise AND deleted_at IS NULL GROUP BY id / 65536
"""
_SEPARATOR = "\x1f"
_NO_NAME = -1
# Times are compared in 34 bits behind the visitor: from 1970 to 2514.
_TIME_BITS = 34
_LAST_SECOND = (1 << _TIME_BITS) - 1


@dataclass(frozen=True)
class LearnedShoppers:
    """The shopper of each event.

    Attributes
    ----------
    user_index : int32[n]
        Row in ``user_keys``; the events of a session or an order alone share one.
    user_keys
        As `engine.core` knows the shoppers.
    """

    user_index: NDArray[np.int32]
    user_keys: list[str]


def users_of_events(events: PackedEvents) -> NDArray[np.int32]:
    """Return the row of the shopper table that each event belongs to at its time, 0 for none.

    A visitor's events belong to the user of the latest link at their time, those before the first
    link to its user.
    """
    users = events.shopper.copy()
    with connection.cursor() as cursor:
        cursor.execute(_LINKS)
        links = np.array(cursor.fetchall(), dtype=np.int64).reshape(-1, 3)
    if not len(links) or not len(users):
        return users
    visitors, firsts, counts = np.unique(links[:, 0], return_index=True, return_counts=True)
    first_link = np.full(max(visitors[-1], users.max()) + 1, -1)
    first_link[visitors] = firsts
    is_shared = np.zeros(len(first_link), dtype=np.bool_)
    is_shared[visitors] = counts > 1
    linked, shared = np.flatnonzero(first_link[users] >= 0), np.flatnonzero(is_shared[users])
    visitor = users[shared].astype(np.int64)
    latest = np.searchsorted(
        _moments(links[:, 0], links[:, 2]), _moments(visitor, events.seconds[shared]), side="right"
    )
    users[linked] = links[first_link[users[linked]], 1]
    # Before its first link, too, a visitor was that link's user.
    users[shared] = links[np.maximum(first_link[visitor], latest - 1), 1]
    return users


def _moments(visitor: NDArray[np.int64], seconds: NDArray[np.int64]) -> NDArray[np.int64]:
    return visitor << _TIME_BITS | np.clip(seconds, 0, _LAST_SECOND)


def learned_shoppers(events: PackedEvents, users: NDArray[np.int32]) -> LearnedShoppers:
    """Name the shoppers of events; who has no profile is known by the order or session alone.

    Parameters
    ----------
    events
        What happened.
    users : int32[n]
        Whose each event is, from `users_of_events`.
    """
    ids, names = _profiles()
    size = max(int(ids.max(initial=0)), int(users.max(initial=0))) + 1
    place_of_name = np.full(size, _NO_NAME, dtype=np.int32)
    place_of_name[ids] = np.arange(len(ids), dtype=np.int32)
    is_known = place_of_name[users] != _NO_NAME
    is_seen = np.zeros(size, dtype=np.bool_)
    is_seen[users[is_known]] = True
    seen = np.flatnonzero(is_seen)
    row_of_user = np.zeros(size, dtype=np.int32)
    row_of_user[seen] = np.arange(len(seen), dtype=np.int32)
    user_index = row_of_user[users]
    unknown = np.flatnonzero(~is_known)
    baskets, basket_index = np.unique(_basket_keys(events, unknown), return_inverse=True)
    user_index[unknown] = len(seen) + basket_index
    return LearnedShoppers(
        user_index=user_index,
        user_keys=[names[place] for place in place_of_name[seen].tolist()]
        + [f"o:{basket & 0xFFFFFFFFFFFFFFFF:016x}" for basket in baskets.tolist()],
    )


def _basket_keys(events: PackedEvents, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return a number for each basket; a line that names none stands alone."""
    baskets = events.basket[rows]
    # The hashes leave the highest bits to their sign.
    alone = (1 << 62) + np.arange(len(rows))
    return np.where(baskets == 0, alone, baskets)


def _profiles() -> tuple[NDArray[np.int32], list[str]]:
    """Return the shoppers with a profile: their rows, and their user keys in the same order."""
    ids: list[NDArray[np.int32]] = [np.empty(0, dtype=np.int32)]
    names: list[str] = []
    with connection.cursor() as cursor:
        cursor.execute(_PROFILES, list(PROFILE_PREFIXES))
        for packed, user_keys in cursor:
            ids.append(np.frombuffer(packed, dtype=">i4").astype(np.int32))
            names += user_keys.split(_SEPARATOR)
    return np.concatenate(ids), names
