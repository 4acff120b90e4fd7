"""The promotion gate: from measured differences to promote-or-keep and why."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class GateDecision:
    """Whether the challenger goes live, with a reason that a shop owner can read."""

    promote: bool
    reason: str
