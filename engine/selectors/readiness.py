"""Says which recommendations a store can have now, and what the others wait for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from django.db import connection

from engine.models.training import ModelVersion, TrainingRun
from engine.selectors.finding import MAX_SAMPLES
from engine.selectors.known_refs import IS_KNOWN
from engine.selectors.learnable_events import learnable_events

Status = Literal["active", "learning", "blocked"]

# A list of one item recommends nothing beside it.
NEEDED_ITEMS = 2
# Counting stops here, so that a look costs the same on a large store.
_MOST_COUNTED = 1_000
_COUNTS = """
    SELECT
        (SELECT count(*) FROM (
            SELECT 1 FROM engine_item WHERE deleted_at IS NULL LIMIT %s
        ) AS items),
        EXISTS (SELECT 1 FROM engine_event)
"""
_UNKNOWN = f"""
    SELECT DISTINCT (SELECT ref.ref FROM engine_itemref AS ref WHERE ref.id = item_ref_id)
    FROM (SELECT item_ref_id FROM engine_event ORDER BY id DESC LIMIT %s) AS newest
    WHERE item_ref_id IS NOT NULL AND NOT {IS_KNOWN} ORDER BY 1 LIMIT %s
"""  # noqa: S608  # made of constants


@dataclass(frozen=True, slots=True)
class Need:
    """What a type of recommendation asks for, and what is served without it."""

    is_personal: bool
    needs_model: bool = True
    instead: str | None = "newest"


# The calls of the contract, in its spelling.
TYPES: Mapping[str, Need] = {
    "for_user": Need(is_personal=True),
    "similar": Need(is_personal=False),
    "bought_together": Need(is_personal=False),
    "cart": Need(is_personal=False),
    "trending": Need(is_personal=False),
    "popular": Need(is_personal=False),
    "recently_viewed": Need(is_personal=True, needs_model=False, instead=None),
    "rerank": Need(is_personal=True),
}


@dataclass(frozen=True, slots=True)
class Blocking:
    """Something that the store has to do first."""

    code: str
    detail: str
    samples: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a store.

    Attributes
    ----------
    items, learnable, personal
        Items, events to learn from, and those of a recognised shopper; counted to a bound.
    has_events
        Whether any have come, to learn from or not.
    unknown_ids
        Ids of events that name no item of the catalogue.
    needed_events
        From how many events to learn from on the first training starts by itself.
    training
        What keeps a model from coming of what there is; None where nothing does.
    """

    items: int
    has_events: bool
    learnable: int
    personal: int
    needed_events: int
    has_model: bool
    unknown_ids: Sequence[str] = ()
    training: Blocking | None = None


@dataclass(frozen=True, slots=True)
class Readiness:
    """How it stands with one type of recommendation.

    Attributes
    ----------
    have, need
        By the same names.
    served_instead
        What a call is answered with meanwhile.
    """

    status: Status
    have: Mapping[str, int]
    need: Mapping[str, int]
    served_instead: str | None
    blocking: Sequence[Blocking] = field(default_factory=tuple)


def readiness(
    *, has_model: bool, trains_by_itself: bool, needed_events: int
) -> dict[str, dict[str, Any]]:
    """Return how it stands with each type, inside `in_environment`; bounded on any store.

    Parameters
    ----------
    has_model
        Whether a model version is live.
    trains_by_itself
        Whether the store wants that.
    needed_events
        From how many learnable events on the first training starts by itself.
    """
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS, [_MOST_COUNTED])
        items, has_events = cursor.fetchone()
    events = learnable_events()
    facts = Facts(
        items=items,
        has_events=has_events,
        learnable=events.known,
        personal=events.personal,
        needed_events=needed_events,
        has_model=has_model,
        unknown_ids=() if events.known else _unknown_ids(),
        training=None if has_model else _training(trains_by_itself=trains_by_itself),
    )
    return {name: asdict(decide_readiness(facts, need)) for name, need in TYPES.items()}


def decide_readiness(facts: Facts, need: Need) -> Readiness:
    """Return what the facts mean for a type.

    >>> facts = Facts(items=9, has_events=True, learnable=5, personal=5, needed_events=100,
    ...     has_model=False)
    >>> state = decide_readiness(facts, Need(is_personal=True))
    >>> state.status, state.have["events"], state.need["events"], state.served_instead
    ('learning', 5, 100, 'newest')
    """
    have = {"items": facts.items, "events": facts.learnable}
    needed = {"items": NEEDED_ITEMS, "events": facts.needed_events if need.needs_model else 1}
    if need.is_personal:
        have["shopper_events"] = facts.personal
        needed["shopper_events"] = 1
    is_served = facts.has_model or not need.needs_model
    if is_served and (facts.personal or not need.is_personal):
        return Readiness("active", have, needed, served_instead=None)
    blocking = tuple(_blocking(facts, need))
    return Readiness(
        status="blocked" if blocking else "learning",
        have=have,
        need=needed,
        served_instead="popular" if facts.has_model and need.needs_model else need.instead,
        blocking=blocking,
    )


def _blocking(facts: Facts, need: Need) -> list[Blocking]:
    found = []
    if facts.items < NEEDED_ITEMS:
        detail = f"The catalogue has {facts.items} items; send yours with POST /v1/items:batch."
        found.append(Blocking("no_items", detail))
    if not facts.has_events:
        detail = (
            "No shopper's event has come yet; send views and purchases with POST /v1/events, "
            "past orders too."
        )
        found.append(Blocking("no_events", detail))
    elif not facts.learnable:
        detail = (
            "Events have come, but the newest are about no item of the catalogue; send the same "
            "ids in both, or the other ids as aliases."
        )
        found.append(Blocking("unknown_items", detail, samples=facts.unknown_ids))
    elif need.is_personal and not facts.personal:
        detail = (
            "The newest events name neither a user_id nor an anonymous_id, so nobody would be "
            "recognised; send one of the two with each event."
        )
        found.append(Blocking("no_shoppers", detail))
    if need.needs_model and facts.training is not None:
        found.append(facts.training)
    return found


def _training(*, trains_by_itself: bool) -> Blocking | None:
    run = TrainingRun.objects.order_by("-id").first()
    if run is not None and run.status in {TrainingRun.Status.QUEUED, TrainingRun.Status.RUNNING}:
        return None
    if run is not None and run.status == TrainingRun.Status.FAILED:
        return Blocking("training_failed", f"The last training failed: {run.error}")
    version = ModelVersion.objects.order_by("-version").first()
    if version is not None:
        has_passed = version.verdict == ModelVersion.Verdict.PROMOTED
        return Blocking(
            "model_waits" if has_passed else "model_rejected",
            f"{version.reason} POST /v1/models/{version.version}:promote serves it all the same; "
            "with more events, the next training may do better.",
        )
    if trains_by_itself:
        return None
    return Blocking(
        "auto_train_off",
        "Nothing is trained by itself; start a training with POST /v1/models:train, or set "
        "auto_train to 'daily' with PUT /v1/settings.",
    )


def _unknown_ids() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(_UNKNOWN, [_MOST_COUNTED, MAX_SAMPLES])
        return [ref for (ref,) in cursor]
