"""Changes what a store has decided about its environment: training, limits, times and money."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zoneinfo import available_timezones

import orjson

from saas.lib.currencies import CURRENCIES
from saas.lib.errors import InvalidParameter
from tenants.context import on_platform
from tenants.models.environment import Environment
from tenants.selectors.settings import settings
from tenants.services.record_audit import record_audit

# Beyond it lists would be the store's news, not the shopper's taste.
MOST_EXPLORE_SHARE = 0.5
# Every inference process keeps them in memory.
MOST_PLACEMENTS = 50
MOST_PLACEMENT_BYTES = 64 * 1024


def change_settings(
    *, environment: Environment, changes: Mapping[str, Any], actor: str
) -> dict[str, Any]:
    """Change settings, and leave those that are not named as they are.

    Parameters
    ----------
    environment
        Whose settings.
    changes
        By the names of `tenants.selectors.settings`; of their types. `None` unsets `timezone` and
        `currency`. Of `placements`, each that is named is replaced, or removed by `None`; the
        inference service's `check_placements` has found them good.
    actor
        Who asks for it, for the audit log.

    Returns
    -------
    dict
        All settings as they are now.

    Raises
    ------
    InvalidParameter
        There is no such time zone, currency or share, or there are too many placements.
    """
    _check(changes)
    with on_platform():
        # Held until the end, so that the audit log tells one change after the other.
        Environment.objects.select_for_update().get(pk=environment.pk)
        before = settings(environment_id=environment.pk)
        if "placements" in changes:
            changes = {**changes, "placements": _placements(before["placements"], changes)}
        after = {**before, **changes}
        if after == before:
            return before
        Environment.objects.filter(pk=environment.pk).update(**changes)
    record_audit(
        tenant_id=environment.tenant_id,
        actor=actor,
        action="settings_changed",
        object=f"settings:{environment.kind}",
        before={name: before[name] for name in changes},
        after=dict(changes),
    )
    return after


def _check(changes: Mapping[str, Any]) -> None:
    zone, currency = changes.get("timezone"), changes.get("currency")
    share = changes.get("explore_share", 0.0)
    if not 0 <= share <= MOST_EXPLORE_SHARE:
        raise InvalidParameter(
            f"'explore_share' is {share}; send a number from 0 to {MOST_EXPLORE_SHARE}.",
            pointer="/explore_share",
        )
    if zone is not None and zone not in available_timezones():
        raise InvalidParameter(
            f"'timezone' is '{zone[:60]}'; send an IANA name such as 'Europe/Berlin'.",
            pointer="/timezone",
        )
    if currency is not None and currency not in CURRENCIES:
        raise InvalidParameter(
            f"'currency' is '{currency[:60]}'; send an ISO 4217 code such as 'EUR'.",
            pointer="/currency",
        )


def _placements(before: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    merged = {**before, **changes["placements"]}
    placements = {name: defaults for name, defaults in merged.items() if defaults is not None}
    if len(placements) > MOST_PLACEMENTS:
        raise InvalidParameter(
            f"'placements' would be {len(placements)}; {MOST_PLACEMENTS} are allowed. Remove one "
            "by sending null for its name.",
            pointer="/placements",
        )
    size = len(orjson.dumps(placements))
    if size > MOST_PLACEMENT_BYTES:
        raise InvalidParameter(
            f"'placements' would take {size:,} bytes; {MOST_PLACEMENT_BYTES:,} are allowed. Let "
            "filters name categories or attributes instead of many items.",
            pointer="/placements",
        )
    return placements
