"""Measures a store for the platform: an hourly job, so that no page asks a thousand schemas."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from django.db import connection
from django.utils import timezone

from engine.models.item import Item
from engine.models.training import ModelVersion
from engine.selectors.models import live_version_of
from engine.services.roll_up_trainings import ndcg_of, roll_up_trainings
from tenants.context import on_platform
from tenants.models.environment import Environment
from tenants.models.roll_up import EnvironmentDay

# An id is given before its transaction commits; who was in the middle of one is counted next time.
_COUNT = """
    WITH upto AS (
        SELECT id FROM engine_event
         WHERE received_at < now() - interval '1 minute' ORDER BY id DESC LIMIT 1
    )
    SELECT (received_at AT TIME ZONE 'UTC')::date, count(*) FILTER (WHERE line = 0), max(id)
      FROM engine_event
     WHERE id > %s AND id <= (SELECT id FROM upto)
     GROUP BY 1 ORDER BY 1
"""
_SCHEMA = """
    SELECT (SELECT max(name) FROM django_migrations WHERE app = 'engine'),
           (SELECT max(occurred_at) FROM engine_event)
"""
_TABLES = """
    SELECT coalesce(sum(bytes), 0)::bigint AS schema_bytes,
           coalesce(sum(n_dead_tup), 0)::bigint AS dead_rows,
           (array_agg(greatest(last_vacuum, last_autovacuum) ORDER BY bytes DESC))[1]
               AS vacuumed_at,
           (array_agg(greatest(last_analyze, last_autoanalyze) ORDER BY bytes DESC))[1]
               AS analysed_at
      FROM pg_stat_user_tables, LATERAL pg_total_relation_size(relid) AS bytes
     WHERE schemaname = %s
"""
_ADD_EVENTS = """
    INSERT INTO tenants_environmentday (environment_id, day, events)
    SELECT %s, day, events FROM unnest(%s::date[], %s::bigint[]) AS counted (day, events)
    ON CONFLICT (environment_id, day)
    DO UPDATE SET events = tenants_environmentday.events + excluded.events
"""


@dataclass(frozen=True, slots=True)
class _NewEvents:
    by_day: dict[date, int]
    last_id: int


def roll_up_environment(*, environment: Environment) -> None:
    """Write today's row, and add the new events to their days; call inside the environment.

    Parameters
    ----------
    environment
        To be measured.
    """
    roll_up_trainings(environment=environment)
    with connection.cursor() as cursor:
        # The first look reads every event there is.
        cursor.execute("SET LOCAL statement_timeout = '5min'")
    new = _new_events(after_id=_last_event_id(environment))
    measured = _measured(environment)
    today = timezone.now().astimezone(UTC).date()
    with on_platform():
        _add_events(environment, new.by_day)
        EnvironmentDay.objects.update_or_create(
            environment=environment,
            day=today,
            defaults={
                **measured,
                **_tables(environment),
                "last_event_id": new.last_id,
                "measured_at": timezone.now(),
            },
        )


def _last_event_id(environment: Environment) -> int:
    with on_platform():
        counted = EnvironmentDay.objects.filter(
            environment=environment, last_event_id__isnull=False
        )
        last = counted.order_by("-day").values_list("last_event_id", flat=True).first()
    return last or 0


def _new_events(*, after_id: int) -> _NewEvents:
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, [after_id])
        rows = cursor.fetchall()
    return _NewEvents(
        by_day={day: events for day, events, _ in rows},
        last_id=max((last for _, _, last in rows), default=after_id),
    )


def _measured(environment: Environment) -> dict[str, Any]:
    with connection.cursor() as cursor:
        cursor.execute(_SCHEMA)
        migration, newest = cursor.fetchone()
    live = ModelVersion.objects.filter(pk=live_version_of(environment.pk)).first()
    newest_event_at: datetime | None = newest
    return {
        "items": Item.objects.filter(deleted_at__isnull=True).count(),
        "newest_event_at": newest_event_at,
        "migration": migration,
        **ndcg_of(live),
    }


def _tables(environment: Environment) -> dict[str, Any]:
    with connection.cursor() as cursor:
        cursor.execute(_TABLES, [environment.schema_name])
        names = [column.name for column in cursor.description]
        return dict(zip(names, cursor.fetchone(), strict=True))


def _add_events(environment: Environment, by_day: dict[date, int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_ADD_EVENTS, [environment.pk, list(by_day.keys()), list(by_day.values())])
