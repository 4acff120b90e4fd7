"""Ends a store: everything it has with us goes, but for the ledger and the record that it went.

Each step can be repeated, so a deletion that was interrupted is finished by asking again.
"""

from __future__ import annotations

import shutil

import redis
from django.db import transaction
from django.db.models import Max, Sum
from django.utils import timezone
from psycopg import sql

from billing.models.usage import UsageBucket
from saas.lib.config import config
from saas.lib.errors import NotFound
from saas.lifecycle.settle_usage import settle_usage
from tenants.context import on_platform
from tenants.db.connection import connection
from tenants.models.api_key import ApiKey
from tenants.models.audit_event import AuditEvent
from tenants.models.environment import Environment
from tenants.models.export import Export
from tenants.models.feed import Feed
from tenants.models.invitation import Invitation
from tenants.models.job import Job
from tenants.models.person import Member
from tenants.models.tenant import Tenant
from tenants.models.webhook import Webhook
from tenants.services.record_audit import record_audit


def delete_tenant(*, slug: str, actor: str, reason: str) -> None:
    """Delete a tenant's schemas, roles, keys, artifacts and caches. Runs as the owner.

    Parameters
    ----------
    slug
        The tenant; its row stays as a tombstone, its slug is free for no one else.
    actor, reason
        For the audit log.

    Raises
    ------
    NotFound
        There is no such tenant.
    BillingUnavailable, Unavailable
        Its account cannot be settled now; it answers nobody any more, and nothing is lost. Ask
        again later.
    """
    with on_platform():
        tenant = Tenant.objects.filter(slug=slug).first()
        if tenant is None:
            raise NotFound(f"There is no tenant '{slug}'; see manage.py tenant_list.")
        environments = list(Environment.objects.filter(tenant=tenant))
        _stop_answering(tenant, environments=environments, actor=actor, reason=reason)
        settle_usage(tenant, actor=actor, reason=reason)
        for environment in environments:
            _remove(environment)
        _record_end(tenant, actor=actor, reason=reason)


def _stop_answering(
    tenant: Tenant, *, environments: list[Environment], actor: str, reason: str
) -> None:
    with transaction.atomic():
        if tenant.status != Tenant.Status.DELETED:
            record_audit(
                tenant_id=tenant.pk,
                actor=actor,
                action="tenant_deleted",
                object=f"tenant:{tenant.slug}",
                reason=reason,
                before={"schemas": [each.schema_name for each in environments]},
            )
        tenant.status = Tenant.Status.DELETED
        tenant.save(update_fields=["status"])
        keys = ApiKey.objects.filter(environment__tenant=tenant, revoked_at=None)
        keys.update(revoked_at=timezone.now())
        for kind in (Job, Export, Feed, Webhook):
            kind.objects.filter(environment__tenant=tenant).delete()


def _record_end(tenant: Tenant, *, actor: str, reason: str) -> None:
    """Write down what was left: what the ledger holds of the store, and that the rest is gone."""
    with transaction.atomic():
        # One at a time, so that two that finish the same deletion record it once.
        Tenant.objects.select_for_update().get(pk=tenant.pk)
        if AuditEvent.objects.filter(tenant=tenant, action="tenant_removed").exists():
            return
        # Strangers' addresses, and whom the store's pages were open to.
        for kind in (Invitation, Member):
            kind.objects.filter(tenant=tenant).delete()
        environments = Environment.with_deleted.filter(tenant=tenant)
        used = UsageBucket.objects.filter(environment_id__in=environments.values("pk")).aggregate(
            calls=Sum("calls"), units=Sum("units"), last_hour=Max("hour")
        )
        last_hour = used["last_hour"]
        record_audit(
            tenant_id=tenant.pk,
            actor=actor,
            action="tenant_removed",
            object=f"tenant:{tenant.slug}",
            reason=reason,
            after={
                "schemas": sorted(each.schema_name for each in environments),
                "calls_in_ledger": used["calls"] or 0,
                "units_in_ledger": used["units"] or 0,
                "last_hour": None if last_hour is None else last_hour.isoformat(),
            },
        )


def _remove(environment: Environment) -> None:
    shutil.rmtree(config().artifacts / str(environment.pk), ignore_errors=True)
    cache = redis.Redis.from_url(config().redis_url)
    try:
        for key in cache.scan_iter(match=f"sw:{environment.pk}:*", count=1000):
            cache.unlink(key)
    finally:
        cache.close()
    # One transaction per schema: dropping takes a lock for each of its relations.
    with transaction.atomic(), connection.cursor() as cursor:
        for statement, name in (
            ("DROP SCHEMA IF EXISTS {} CASCADE", environment.schema_name),
            ("DROP ROLE IF EXISTS {}", environment.role_name),
        ):
            cursor.execute(
                sql.SQL(statement).format(sql.Identifier(name)).as_string(connection.connection)
            )
        environment.live_version = None
        environment.deleted_at = timezone.now()
        environment.save(update_fields=["live_version", "deleted_at"])
