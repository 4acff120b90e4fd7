"""What a figure on a page shows: a table, from which the browser draws the chart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Series:
    """One line, or one colour of bars; low and high bound it, where it is an estimate."""

    name: str
    values: Sequence[float | None]
    low: Sequence[float | None] | None = None
    high: Sequence[float | None] | None = None
    digits: int = 0


@dataclass(frozen=True, slots=True)
class Chart:
    """A figure: what it shows, over which period, on which axes; `empty` says what to send."""

    title: str
    kind: Literal["line", "bar", "stacked"]
    period: str
    x_title: str
    y_title: str
    x: Sequence[str]
    series: Sequence[Series]
    empty: str

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to draw."""
        return all(value is None for each in self.series for value in each.values)

    def columns(self) -> Iterator[tuple[str, str]]:
        """Yield each column's heading and its role: value, low or high."""
        for each in self.series:
            yield each.name, "value"
            if each.low is not None and each.high is not None:
                yield f"{each.name}, lower bound", "low"
                yield f"{each.name}, upper bound", "high"

    def rows(self) -> Iterator[tuple[str, list[tuple[str, str]]]]:
        """Yield each row's heading and its cells: the number, and as it is written."""
        for place, heading in enumerate(self.x):
            cells = []
            for each in self.series:
                bands = [each.low, each.high] if each.low is not None else []
                for values in (each.values, *bands):
                    value = values[place] if values is not None else None
                    cells.append(
                        ("", "") if value is None else (str(value), f"{value:,.{each.digits}f}")
                    )
            yield heading, cells
