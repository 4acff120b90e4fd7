"""Says whose each event is for learning: visitors count as the users they turned out to be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from engine.core.dataset import PROFILE_PREFIXES
from engine.selectors.packed_events import PackedEvents

# Keys of visitors lie above those of users, keys of sessions and orders below both.
ANONYMOUS_OFFSET = 1 << 40

_LINKS = """
    SELECT anonymous_id, user_id, extract(epoch FROM valid_from)::bigint
    FROM engine_identitylink ORDER BY anonymous_id, valid_from
"""
# Who objected, or was deleted, teaches popularity and co-purchase but gets no profile.
_SHOPPERS = """
    SELECT id, kind, external_id FROM engine_shopper WHERE personalise AND deleted_at IS NULL
"""
_NO_PROFILE = """
    SELECT id FROM engine_shopper WHERE NOT personalise OR deleted_at IS NOT NULL
"""


@dataclass(frozen=True)
class LearnedShoppers:
    """The shopper of each event.

    Attributes
    ----------
    keys : int64[n]
        Equal for events of the same shopper: a row of the shopper table, a visitor's shifted by
        ``ANONYMOUS_OFFSET``, or a negative number for a session or an order alone.
    names
        The user key of each shopper with a profile.
    """

    keys: NDArray[np.int64]
    names: Mapping[int, str]

    def name(self, key: int) -> str:
        """Return the user key that `engine.core` knows the shopper by."""
        return self.names.get(key) or f"o:{key & 0xFFFFFFFFFFFFFFFF:016x}"


def learned_shoppers(events: PackedEvents) -> LearnedShoppers:
    """Return whose the events are, at their time.

    A visitor's events belong to the user of the latest link at their time, those before the first
    link to its user.
    """
    visitors = _users_of_visitors(events.visitor, events.seconds)
    user = np.where(events.user > 0, events.user, visitors).astype(np.int64)
    is_anonymous = (user == 0) & (events.visitor > 0)
    shopper_id = np.where(is_anonymous, events.visitor, user)
    keys = np.where(is_anonymous, shopper_id + ANONYMOUS_OFFSET, shopper_id)
    basket = np.where(events.order_hash != 0, events.order_hash, events.session_hash)
    # Negative and never 0, so that no basket is taken for a shopper.
    basket_key = -(np.abs(basket >> 1) + 1)
    is_nobody = (shopper_id == 0) | np.isin(shopper_id, _without_profile())
    # An objector's events without order or session stand alone.
    alone = np.where(basket == 0, -(np.arange(len(keys)) + 1) - (1 << 62), basket_key)
    return LearnedShoppers(keys=np.where(is_nobody, alone, keys), names=_names())


def _users_of_visitors(visitor: NDArray[np.int32], seconds: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the user that each visitor was at that time, 0 for nobody known."""
    with connection.cursor() as cursor:
        cursor.execute(_LINKS)
        links = np.array(cursor.fetchall(), dtype=np.int64).reshape(-1, 3)
    if not len(links):
        return np.zeros(len(visitor), dtype=np.int64)
    # Both lists in the order of (visitor, time): the last link that is not later is the one.
    moments = np.concatenate([links[:, 2], seconds])
    owners = np.concatenate([links[:, 0], visitor.astype(np.int64)])
    is_event = np.arange(len(owners)) >= len(links)
    order = np.lexsort((is_event, moments, owners))
    last = np.maximum.accumulate(np.where(is_event[order], -1, order))
    at = np.empty(len(order), dtype=np.int64)
    at[order] = last
    at = at[len(links) :]
    first = np.searchsorted(links[:, 0], visitor)
    first = np.minimum(first, len(links) - 1)
    is_linked = links[first, 0] == visitor
    at = np.where(at < first, first, at)
    return np.where(is_linked, links[at, 1], 0)


def _without_profile() -> NDArray[np.int64]:
    with connection.cursor() as cursor:
        cursor.execute(_NO_PROFILE)
        return np.array([id_ for (id_,) in cursor], dtype=np.int64)


def _names() -> dict[int, str]:
    user, visitor = PROFILE_PREFIXES
    with connection.cursor() as cursor:
        cursor.execute(_SHOPPERS)
        return {
            id_ if kind == "user" else id_ + ANONYMOUS_OFFSET: (
                f"{user}{external_id}" if kind == "user" else f"{visitor}{external_id}"
            )
            for id_, kind, external_id in cursor
        }
