"""How stores are doing, from the rows that their own jobs write; run on the platform."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import JSONObject
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from tenants.health import Health, Vitals, health_of
from tenants.models.environment import Environment
from tenants.models.roll_up import EnvironmentDay, TrainingRecord
from tenants.models.tenant import Tenant

_MEASURED = ("measured_at", "newest_event_at", "items", "ndcg", "popular_ndcg")


def with_vitals(tenants: QuerySet[Tenant]) -> QuerySet[Any]:
    """Add `vitals`, `last_training`, `calls_today` and `calls_of_week` to each tenant."""
    live = Environment.objects.filter(tenant=OuterRef("pk"), kind=Environment.Kind.LIVE)
    # By the environment itself: joined by its store, all stores' days would be walked for each.
    days = EnvironmentDay.objects.filter(environment_id=OuterRef("live_id"))
    today = timezone.now().date()
    week = days.filter(day__gt=today - timedelta(days=7)).order_by()
    trainings = TrainingRecord.objects.filter(environment_id=OuterRef("live_id")).order_by(
        "-finished_at"
    )
    named = tenants.select_related("entitlement").annotate(live_id=Subquery(live.values("pk")))
    return named.annotate(
        vitals=Subquery(
            days.filter(measured_at__isnull=False)
            .order_by("-day")
            .values(known=JSONObject(**{name: F(name) for name in _MEASURED}))[:1]
        ),
        last_training=Subquery(trainings.values("status")[:1]),
        calls_today=Subquery(days.filter(day=today).values("calls")[:1]),
        calls_of_week=Subquery(week.values("environment").annotate(all=Sum("calls")).values("all")),
    )


def store_health(tenant: Any) -> Health:
    """Return how a tenant of `with_vitals` is doing."""
    known = tenant.vitals or {}
    vitals = Vitals(
        access=tenant.entitlement.access,
        measured_at=_moment(known.get("measured_at")),
        newest_event_at=_moment(known.get("newest_event_at")),
        items=known.get("items"),
        ndcg=known.get("ndcg"),
        popular_ndcg=known.get("popular_ndcg"),
        last_training=tenant.last_training,
    )
    return health_of(vitals, now=timezone.now())


def _moment(text: str | None) -> datetime | None:
    return None if text is None else parse_datetime(text)
