"""Says how a store is doing, from what the platform knows of it without asking its schema."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

Level = Literal["good", "new", "watch", "bad"]

# A shop that is open has visitors every day.
SILENT_AFTER = timedelta(days=2)
# Live environments are measured every hour.
UNMEASURED_AFTER = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class Vitals:
    """What is known of a store's live environment; None where nothing is known yet."""

    access: str
    measured_at: datetime | None = None
    newest_event_at: datetime | None = None
    items: int | None = None
    ndcg: float | None = None
    popular_ndcg: float | None = None
    last_training: str | None = None


@dataclass(frozen=True, slots=True)
class Health:
    """How a store is doing, and the worst of the reasons."""

    level: Level
    reason: str


def health_of(vitals: Vitals, *, now: datetime) -> Health:
    """Decide; the first that applies is the worst.

    >>> from datetime import UTC
    >>> noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    >>> health_of(Vitals("closed"), now=noon)
    Health(level='bad', reason='Not paid: calls are refused.')
    >>> health_of(Vitals("full", measured_at=noon, items=0), now=noon).level
    'new'
    """
    if vitals.access != "full":
        return Health("bad", "Not paid: calls are refused.")
    if vitals.last_training == "failed":
        return Health("bad", "The last training failed.")
    if vitals.measured_at is None or not vitals.items or vitals.newest_event_at is None:
        return Health("new", "It has sent no catalogue or no events yet.")
    if now - vitals.measured_at > UNMEASURED_AFTER:
        return Health("watch", "It has not been measured for hours: look at its jobs.")
    if now - vitals.newest_event_at > SILENT_AFTER:
        days = (now - vitals.newest_event_at).days
        return Health("watch", f"No event for {days} days.")
    if vitals.ndcg is None:
        return Health("watch", "No model is live.")
    if vitals.popular_ndcg is not None and vitals.ndcg <= vitals.popular_ndcg:
        return Health("watch", "Its model is no better than popularity.")
    return Health("good", "Events come, and its model is better than popularity.")
