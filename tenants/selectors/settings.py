"""What a store has decided about its environment."""

from __future__ import annotations

from typing import Any

from tenants.context import on_platform
from tenants.models.environment import Environment

# In the order of the contract.
NAMES = (
    "auto_train",
    "auto_promote",
    "on_limit",
    "explore_share",
    "placements",
    "timezone",
    "currency",
)


def settings(*, environment_id: int) -> dict[str, Any]:
    """Return the settings by name, as they are now."""
    with on_platform():
        return dict(Environment.objects.values(*NAMES).get(pk=environment_id))
