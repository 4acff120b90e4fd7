"""The time a training run may take, and what is left of it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field


@dataclass(frozen=True)
class TimeBudget:
    """Seconds from its making on.

    Attributes
    ----------
    seconds : float
        Of the whole run.
    """

    seconds: float
    started: float = field(default_factory=time.monotonic)

    @property
    def spent_share(self) -> float:
        """Share of the seconds that have gone, over 1 when overdrawn."""
        return (time.monotonic() - self.started) / self.seconds

    def allows(self, *, until_share: float, next_seconds: float = 0.0) -> bool:
        """Say whether something of ``next_seconds`` ends before a share of the budget is spent."""
        return self.spent_share + next_seconds / self.seconds <= until_share
