"""Which hours' calls a line of an invoice charges: a tier's calls are those that came in turn."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple


class LineHour(NamedTuple):
    """The calls of an hour that one line charges; the rest of the hour is another line's."""

    start: datetime
    units: int


def share_hours(
    hours: Iterable[LineHour], quantities: Sequence[int]
) -> tuple[tuple[LineHour, ...], ...]:
    """Give each line its hours: the first ones to the first tier, until it is full.

    Parameters
    ----------
    hours
        Of a period, oldest first.
    quantities
        The lines' units, in the order of their tiers.

    Returns
    -------
    tuple
        For each line its hours. What the lines lack of the hours' units is left out, what they
        have beyond is not explained: nothing is made up.

    Examples
    --------
    >>> from datetime import UTC
    >>> nine, ten = (datetime(2026, 11, 3, hour, tzinfo=UTC) for hour in (9, 10))
    >>> first, second = share_hours([LineHour(nine, 80), LineHour(ten, 50)], [100, 30])
    >>> [units for _, units in first], [units for _, units in second]
    ([80, 20], [30])
    """
    shared: list[tuple[LineHour, ...]] = []
    waiting = [each for each in hours if each.units > 0][::-1]
    for quantity in quantities:
        taken: list[LineHour] = []
        left = quantity
        while left and waiting:
            start, units = waiting.pop()
            taken.append(LineHour(start, min(units, left)))
            if units > left:
                waiting.append(LineHour(start, units - left))
            left -= taken[-1].units
        shared.append(tuple(taken))
    return tuple(shared)
