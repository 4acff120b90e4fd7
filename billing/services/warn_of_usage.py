"""Tells a store when half, four fifths and all of its included calls are used: once each period."""

from __future__ import annotations

from django.db import transaction

from billing.jobs import USAGE_ALERT_JOB
from billing.models.alert import UsageAlert
from billing.selectors.account import billable_units
from tenants.context import on_platform
from tenants.models.environment import Environment
from tenants.models.tenant import Entitlement
from tenants.services.announce import announce
from tenants.services.enqueue_job import enqueue_job

THRESHOLDS = (50, 80, 100)


def warn_of_usage(*, after_id: int, most: int) -> int:
    """Look at some live environments and warn their stores where a threshold is passed.

    Parameters
    ----------
    after_id
        The environment after which to go on.
    most
        How many to look at.

    Returns
    -------
    int
        Where to go on; 0 begins again.
    """
    with on_platform():
        environments = list(
            Environment.objects.filter(
                pk__gt=after_id,
                kind=Environment.Kind.LIVE,
                tenant__entitlement__period_start__isnull=False,
            )
            .select_related("tenant__entitlement")
            .order_by("pk")[:most]
        )
        for environment in environments:
            _warn(environment, environment.tenant.entitlement)
    return environments[-1].pk if len(environments) == most else 0


def _warn(environment: Environment, entitlement: Entitlement) -> None:
    included, start, end = _basis(entitlement), entitlement.period_start, entitlement.period_end
    if not included or start is None or end is None:
        return
    used = billable_units(environment_id=environment.pk, since=start, until=end)
    passed = [percent for percent in THRESHOLDS if used * 100 >= included * percent]
    told = UsageAlert.objects.filter(tenant=environment.tenant, period_start=start)
    new = sorted(set(passed) - set(told.values_list("percent", flat=True)))
    if not new:
        return
    with transaction.atomic():
        made = [
            UsageAlert.objects.get_or_create(
                tenant=environment.tenant,
                period_start=start,
                percent=percent,
                defaults={"used": used, "included": included},
            )
            for percent in new
        ]
        # Of several at once only the highest is news; two dispatchers tell it once.
        alert, is_new = made[-1]
        if is_new:
            _tell(environment, alert)


def _basis(entitlement: Entitlement) -> int | None:
    limits = [entitlement.included_calls, entitlement.call_limit]
    return min((limit for limit in limits if limit is not None), default=None)


def _tell(environment: Environment, alert: UsageAlert) -> None:
    announce(
        environment=environment,
        event_type="quota.threshold",
        data={
            "percent": alert.percent,
            "used": alert.used,
            "included": alert.included,
            "period_start": alert.period_start,
        },
    )
    enqueue_job(
        kind=USAGE_ALERT_JOB,
        environment_id=environment.pk,
        payload={"alert_id": alert.pk},
        dedupe_key=f"usage-alert:{alert.pk}",
    )
