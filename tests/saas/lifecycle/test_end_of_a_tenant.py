"""A store is exported whole, and deleted without a trace but for the record that it was here."""

from __future__ import annotations

import csv
import io
import os
import secrets
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
import redis
from django.utils import timezone

from billing.models.subscription import Subscription
from billing.models.usage import UsageBucket, UsageShipper
from billing.services.assign_plan import assign_plan
from engine.models.item import ItemRef
from engine.services.create_feed import create_feed
from engine.services.request_export import request_export
from saas.lib.config import config
from saas.lib.errors import NotFound, Unavailable
from saas.lib.recent_events import recent_list
from saas.lifecycle.delete_tenant import delete_tenant
from saas.lifecycle.export_tenant import export_tenant
from tenants.context import in_environment, on_platform
from tenants.models.api_key import ApiKey
from tenants.models.audit_event import AuditEvent
from tenants.models.environment import Environment
from tenants.models.export import Export
from tenants.models.feed import Feed
from tenants.models.invitation import Invitation
from tenants.models.job import Job
from tenants.models.person import Member
from tenants.models.tenant import Tenant
from tenants.services.invite_member import invite_member
from tests.conftest import Store, as_owner, make_store
from tests.people import member


@pytest.fixture
def closing_store(migrated: None) -> Store:
    return make_store(f"Closing Down {secrets.token_hex(3)}")


@pytest.fixture(autouse=True)
def no_other_shippers(migrated: None) -> None:
    """Without the hosts of other tests, which ship no more."""
    with on_platform():
        UsageShipper.objects.all().delete()


def slug(store: Store) -> str:
    return str(store.live.tenant.slug)


def test_an_export_holds_every_table_of_both_environments(
    closing_store: Store, tmp_path: Path
) -> None:
    with in_environment(closing_store.live):
        ItemRef.objects.create(ref='a "quoted", id\nof two lines')
    rows = export_tenant(slug=slug(closing_store), destination=tmp_path / "closing.zip")
    assert rows == 1
    with zipfile.ZipFile(tmp_path / "closing.zip") as archive:
        names = set(archive.namelist())
        assert {"live/engine_event.csv", "test/engine_event.csv"} <= names
        assert not any("django_migrations" in name for name in names)
        table = archive.read("live/engine_itemref.csv").decode()
    assert next(csv.DictReader(io.StringIO(table)))["ref"] == 'a "quoted", id\nof two lines'


def test_an_export_of_nobody_is_not_found(database: None, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="'nobody'"):
        export_tenant(slug="nobody", destination=tmp_path / "nobody.zip")


def test_deleting_leaves_no_schema_role_key_artifact_or_cache(closing_store: Store) -> None:
    live = closing_store.live
    artifact = config().artifacts / str(live.pk) / "01ABC"
    artifact.mkdir(parents=True)
    cache = redis.Redis.from_url(config().redis_url)
    cache.lpush(recent_list(live.pk, "u:1"), b"[]")
    with in_environment(live):
        request_export(environment=live, kind="items", file_format="csv")
        create_feed(
            environment=live,
            url="https://93.184.215.14/items.csv",
            kind="items",
            file_format="auto",
            mode="full",
            every="24h",
            time_zone=None,
            mapping={},
        )
    owner = member(live.tenant)
    with on_platform():
        invite_member(
            tenant=live.tenant,
            email=f"ben@{slug(closing_store)}.example",
            role="admin",
            actor=f"person:{owner.email}",
        )

    with as_owner():
        delete_tenant(slug=slug(closing_store), actor="command", reason="asked for it")

    assert _names_left(live) == []
    assert not artifact.parent.exists()
    assert cache.keys(f"sw:{live.pk}:*") == []
    cache.close()
    with on_platform():
        assert not ApiKey.objects.filter(environment=live, revoked_at=None).exists()
        assert not Environment.objects.filter(pk=live.pk).exists()
        for kind in (Export, Feed, Job):
            assert not kind.objects.filter(environment=live.pk).exists()
        for of_people in (Invitation, Member):
            assert not of_people.objects.filter(tenant=live.tenant).exists()
        assert Tenant.objects.get(slug=slug(closing_store)).status == "deleted"
        deeds = AuditEvent.objects.filter(tenant=live.tenant, action__startswith="tenant_")
        begun, ended = deeds.order_by("pk")
    assert (begun.action, ended.action) == ("tenant_deleted", "tenant_removed")
    assert live.schema_name in ended.after["schemas"]


@pytest.mark.parametrize(
    "step",
    ["settle_usage", "shutil.rmtree", "redis.Redis.from_url", "sql.SQL", "_record_end"],
)
def test_an_interrupted_deletion_is_finished_by_asking_again(
    closing_store: Store, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(f"saas.lifecycle.delete_tenant.{step}", _die)
        with pytest.raises(KeyboardInterrupt), as_owner():
            delete_tenant(slug=slug(closing_store), actor="command", reason="asked for it")
    for _ in range(2):
        with as_owner():
            delete_tenant(slug=slug(closing_store), actor="command", reason="asked for it")
    assert _names_left(closing_store.live) == []
    assert _names_left(closing_store.test) == []
    with on_platform():
        assert AuditEvent.objects.filter(tenant=closing_store.live.tenant).count() == 2


def test_the_ledger_outlives_the_store_and_the_record_says_what_it_holds(
    closing_store: Store,
) -> None:
    live = closing_store.live
    hour = datetime(2026, 11, 1, 9, tzinfo=UTC)
    with on_platform():
        UsageBucket.objects.create(
            environment_id=live.pk, hour=hour, operation=1, calls=12, units=10
        )
        assign_plan(
            tenant_id=live.tenant_id, plan_code="growth", actor="command", reason="A contract."
        )

    with as_owner():
        delete_tenant(slug=slug(closing_store), actor="command", reason="asked for it")

    with on_platform():
        assert UsageBucket.objects.get(environment_id=live.pk).units == 10
        assert Subscription.objects.get(pk=live.tenant_id).cancel_at_period_end
        record = AuditEvent.objects.get(tenant=live.tenant, action="tenant_removed").after
    assert (record["calls_in_ledger"], record["units_in_ledger"]) == (12, 10)
    assert record["last_hour"] == hour.isoformat()


def test_nothing_is_removed_before_the_last_calls_are_in_the_ledger(
    closing_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("saas.lifecycle.settle_usage.PATIENCE_SECONDS", 0.3)
    host = f"behind-{secrets.token_hex(3)}"
    with on_platform():
        UsageShipper.objects.create(host=host, shipped_up_to=timezone.now())
    try:
        with pytest.raises(Unavailable, match=host), as_owner():
            delete_tenant(slug=slug(closing_store), actor="command", reason="asked for it")
        assert len(_names_left(closing_store.live)) == 2
        with on_platform():
            # Nobody is answered meanwhile.
            assert Tenant.objects.get(slug=slug(closing_store)).status == "deleted"
            UsageShipper.objects.filter(host=host).update(
                shipped_up_to=timezone.now() + timedelta(minutes=1)
            )
        with as_owner():
            delete_tenant(slug=slug(closing_store), actor="command", reason="asked for it")
        assert _names_left(closing_store.live) == []
    finally:
        with on_platform():
            UsageShipper.objects.filter(host=host).delete()


def test_the_audit_log_cannot_be_changed(closing_store: Store) -> None:
    with psycopg.connect(os.environ["DATABASE_OWNER_URL"]) as owner:
        for statement in (
            "UPDATE tenants_auditevent SET reason = ''",
            "DELETE FROM tenants_auditevent",
            "TRUNCATE tenants_auditevent",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                owner.execute(statement)
            owner.rollback()


def _die(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def _names_left(environment: Environment) -> list[tuple[str, ...]]:
    with psycopg.connect(os.environ["DATABASE_OWNER_URL"]) as owner:
        return owner.execute(
            "SELECT nspname::text FROM pg_namespace WHERE nspname = %s "
            "UNION SELECT rolname FROM pg_roles WHERE rolname = %s",
            [environment.schema_name, environment.role_name],
        ).fetchall()
