"""The faults that a test or a curious developer turns on in the local Stripe."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, get_args

Fault = Literal["500", "503", "429", "drop_before", "drop_after", "slow"]
FAULTS: tuple[Fault, ...] = get_args(Fault)


@dataclass
class Switches:
    """What goes wrong, and how webhooks travel."""

    # Taken by the next requests whose path contains `fault_path`, in turn.
    faults: list[Fault] = field(default_factory=list)
    fault_path: str = ""
    slow_seconds: float = 1.0
    # A meter event takes this long, during which another one of its customer meets a 429.
    meter_event_seconds: float = 0.002
    # Usage younger than this is not in the summaries yet.
    stale_summary_seconds: float = 0.0
    # By default webhooks come late, twice and out of order.
    webhook_copies: int = 2
    webhook_delay_seconds: float = 0.3
    webhook_retry_seconds: float = 1.0

    def take_fault(self, path: str) -> Fault | None:
        """Return what goes wrong with this request."""
        if self.faults and self.fault_path in path:
            return self.faults.pop(0)
        return None
