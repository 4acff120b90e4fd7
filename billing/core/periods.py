"""The periods that usage is counted in: months of UTC, whatever the store's own clock says."""

from __future__ import annotations

from datetime import UTC, datetime


def month_of(moment: datetime) -> tuple[datetime, datetime]:
    """Return the month's first moment and the next one's.

    >>> start, end = month_of(datetime(2026, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC))
    >>> start.isoformat(), end.isoformat()
    ('2026-12-01T00:00:00+00:00', '2027-01-01T00:00:00+00:00')
    """
    start = moment.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    is_december = start.month == 12
    end = start.replace(year=start.year + is_december, month=1 if is_december else start.month + 1)
    return start, end
