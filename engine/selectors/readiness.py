"""Says which recommendations a store can have now, and what the others wait for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from django.db import connection

from engine.selectors.new_data import count_of_learnable_events

# What one model makes possible; the calls of the contract, in its spelling.
TYPES = ("for_user", "similar", "popular")
# A list of one item recommends nothing beside it.
NEEDED_ITEMS = 2
# Counting stops here, so that a look costs the same on a large store.
_MOST_COUNTED = 1_000
_COUNTS = """
    SELECT
        (SELECT count(*) FROM (
            SELECT 1 FROM engine_item WHERE deleted_at IS NULL LIMIT %s
        ) AS items),
        (SELECT count(*) FROM (SELECT 1 FROM engine_event LIMIT %s) AS events)
"""


@dataclass(frozen=True, slots=True)
class Readiness:
    """How it stands with one type of recommendation.

    Attributes
    ----------
    have, need
        Items, and events about items of the catalogue, counted to a bound.
    served_instead
        What a call is answered with meanwhile.
    blocking
        What the store has to do first, a code and a sentence each.
    """

    status: Literal["active", "learning", "blocked"]
    have: Mapping[str, int]
    need: Mapping[str, int]
    served_instead: str | None
    blocking: tuple[Mapping[str, str], ...]


def readiness(*, has_model: bool, needed_events: int) -> dict[str, dict[str, Any]]:
    """Return how it stands with each type, inside `in_environment`; bounded on any store.

    Parameters
    ----------
    has_model
        Whether a model version is live.
    needed_events
        From how many learnable events on the first training starts by itself.
    """
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS, [_MOST_COUNTED, _MOST_COUNTED])
        items, events = cursor.fetchone()
    state = decide_readiness(
        items=items,
        events=events,
        learnable_events=count_of_learnable_events(),
        needed_events=needed_events,
        has_model=has_model,
    )
    return dict.fromkeys(TYPES, asdict(state))


def decide_readiness(
    *, items: int, events: int, learnable_events: int, needed_events: int, has_model: bool
) -> Readiness:
    """Return what the counts mean; one model serves every type, so they stand alike.

    >>> state = decide_readiness(
    ...     items=9, events=5, learnable_events=5, needed_events=100, has_model=False)
    >>> state.status, state.served_instead
    ('learning', 'newest')
    """
    blocking = () if has_model else _blocking(items, events, learnable_events)
    if has_model:
        status: Literal["active", "learning", "blocked"] = "active"
    else:
        status = "blocked" if blocking else "learning"
    return Readiness(
        status=status,
        have={"items": items, "events": learnable_events},
        need={"items": NEEDED_ITEMS, "events": needed_events},
        served_instead=None if has_model else "newest",
        blocking=blocking,
    )


def _blocking(items: int, events: int, learnable_events: int) -> tuple[Mapping[str, str], ...]:
    found = []
    if items < NEEDED_ITEMS:
        found.append(
            {
                "code": "no_items",
                "detail": f"The catalogue has {items} items; send yours with POST /v1/items:batch.",
            }
        )
    if not events:
        found.append(
            {
                "code": "no_events",
                "detail": "No shopper's event has come yet; send views and purchases with "
                "POST /v1/events, past orders too.",
            }
        )
    elif not learnable_events:
        found.append(
            {
                "code": "unknown_items",
                "detail": "Events have come, but none is about an item of the catalogue; send the "
                "same ids in both, or the other ids as aliases.",
            }
        )
    return tuple(found)
