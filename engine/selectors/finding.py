"""Something about a store's data that can be better: how much of it, where, and what to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MAX_SAMPLES = 10


@dataclass(frozen=True, slots=True)
class Finding:
    """One kind of fault in what was looked at.

    Attributes
    ----------
    code
        Stable, for programs.
    of
        What the share is of: the `lines`, `events`, `items`, `values` or `aliases` looked at.
    detail
        What to do, in one sentence.
    """

    code: str
    count: int
    share: float
    of: str
    samples: Sequence[Mapping[str, Any]]
    detail: str


def share(count: int, total: int) -> float:
    """Return a part of a whole to four digits; of nothing there is none.

    >>> share(1, 3), share(0, 0)
    (0.3333, 0.0)
    """
    return round(count / total, 4) if total else 0.0
