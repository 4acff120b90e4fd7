"""Changes what a store has decided about its environment: training, limits, times and money."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zoneinfo import available_timezones

from saas.lib.currencies import CURRENCIES
from saas.lib.errors import InvalidParameter
from tenants.context import on_platform
from tenants.models.environment import Environment
from tenants.selectors.settings import settings
from tenants.services.record_audit import record_audit

# Beyond it lists would be the store's news, not the shopper's taste.
MOST_EXPLORE_SHARE = 0.5


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
        `currency`.
    actor
        Who asks for it, for the audit log.

    Returns
    -------
    dict
        All settings as they are now.

    Raises
    ------
    InvalidParameter
        There is no such time zone, currency or share.
    """
    _check(changes)
    with on_platform():
        # Held until the end, so that the audit log tells one change after the other.
        Environment.objects.select_for_update().get(pk=environment.pk)
        before = settings(environment_id=environment.pk)
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
