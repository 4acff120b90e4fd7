"""Takes a look at some stores at a time, each in an environment of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import structlog
from django.db import ProgrammingError

from tenants.context import in_environment, on_platform
from tenants.models.environment import Environment
from tenants.models.tenant import Tenant

log = structlog.get_logger()


def look_at_stores(
    look: Callable[[Environment], None], *, after_id: int, most: int, **wanted: Any
) -> int:
    """Look at some of the active stores.

    Parameters
    ----------
    look
        Called inside each environment.
    after_id
        Environments up to this id were looked at last time.
    most
        How many to look at, so that one call stays short however many stores there are.
    **wanted
        Which environments, as a filter takes it.

    Returns
    -------
    int
        The `after_id` of the next call; 0 when it begins anew.
    """
    with on_platform():
        environments = list(
            Environment.objects.filter(
                pk__gt=after_id,
                tenant__status=Tenant.Status.ACTIVE,
                **wanted,
            ).order_by("pk")[:most]
        )
    for environment in environments:
        try:
            with in_environment(environment):
                look(environment)
        except ProgrammingError as error:
            # Its schema was deleted after the list was read.
            log.warning("environment_skipped", environment_id=environment.pk, error=str(error))
    return environments[-1].pk if len(environments) == most else 0
