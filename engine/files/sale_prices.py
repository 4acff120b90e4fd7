"""Decides which of two prices of a feed holds now."""

from __future__ import annotations

from datetime import datetime

from engine.files.times import Times
from engine.rows.values import BadValue


def is_on_sale(*, begins: str, ends: str, now: datetime, times: Times) -> bool:
    """Return whether a sale runs; one without readable dates does.

    >>> from datetime import UTC
    >>> noon = datetime(2026, 5, 1, 12, tzinfo=UTC)
    >>> is_on_sale(begins="", ends="2026-05-01T11:00Z", now=noon, times=Times(None))
    False
    """
    begin, end = _moment(begins, times), _moment(ends, times)
    return (begin is None or begin <= now) and (end is None or now < end)


def _moment(text: str, times: Times) -> datetime | None:
    try:
        return times.moment(text) if text else None
    except BadValue:
        return None
