"""A store is deleted after its days of grace, unless somebody thinks better of it."""

from __future__ import annotations

import secrets
from datetime import timedelta

import pytest
from django.utils import timezone

from billing.models.usage import UsageShipper
from saas.lib.errors import Conflict, NotFound
from saas.lifecycle.cancel_deletion import cancel_deletion
from saas.lifecycle.request_deletion import GRACE, request_deletion
from saas.lifecycle.tasks import delete_tenant
from tenants.context import on_platform
from tenants.models.audit_event import AuditEvent
from tenants.models.environment import Environment
from tenants.models.job import Job
from tenants.models.tenant import Tenant
from tenants.selectors.deletion import deletion_due, deletion_key
from tests.conftest import as_owner, make_store


def ask(tenant: Tenant, reason: str = "we close") -> None:
    request_deletion(slug=tenant.slug, actor="person:ada@acorn.example", reason=reason)


def test_who_asks_twice_gets_the_same_moment(acorn: Environment) -> None:
    tenant = acorn.tenant
    first = request_deletion(slug=tenant.slug, actor="person:ada", reason="we close")
    assert timedelta() < timezone.now() + GRACE - first < timedelta(minutes=5)
    assert request_deletion(slug=tenant.slug, actor="person:bob", reason="me too") == first
    assert deletion_due(tenant_id=tenant.pk) == first
    with on_platform():
        assert Job.objects.filter(exclusive_key=deletion_key(tenant.pk)).count() == 1
        asked = AuditEvent.objects.filter(tenant=tenant, action="tenant_deletion_requested")
        assert asked.latest("pk").actor == "person:ada"


def test_what_was_taken_back_can_be_asked_for_again(acorn: Environment) -> None:
    tenant = acorn.tenant
    ask(tenant)
    cancel_deletion(slug=tenant.slug, actor="person:bob", reason="we stay")
    assert deletion_due(tenant_id=tenant.pk) is None
    with pytest.raises(Conflict, match="is not going to be deleted"):
        cancel_deletion(slug=tenant.slug, actor="person:bob", reason="we stay")
    ask(tenant)
    assert deletion_due(tenant_id=tenant.pk) is not None


def test_a_deletion_that_has_begun_cannot_be_taken_back(acorn: Environment) -> None:
    ask(acorn.tenant)
    with on_platform():
        job = Job.objects.filter(exclusive_key=deletion_key(acorn.tenant_id))
        job.update(state="running", attempts=1)
    with pytest.raises(Conflict, match="has begun"):
        cancel_deletion(slug=acorn.tenant.slug, actor="person:bob", reason="we stay")


def test_nobodys_store_is_not_found(database: None) -> None:
    for deed in (request_deletion, cancel_deletion):
        with pytest.raises(NotFound, match="'nobody'"):
            deed(slug="nobody", actor="staff:eve", reason="asked")


def test_the_job_deletes_the_store(migrated: None) -> None:
    tenant = make_store(f"Closing Soon {secrets.token_hex(3)}").live.tenant
    ask(tenant, reason="the shop closes")
    with on_platform():
        # Without the hosts of other tests, which ship no more.
        UsageShipper.objects.all().delete()
        job = Job.objects.get(exclusive_key=deletion_key(tenant.pk))
        Job.objects.filter(pk=job.pk).update(run_after=timezone.now())
    with as_owner():
        delete_tenant(job_id=job.pk)
    with on_platform():
        tenant.refresh_from_db()
        job.refresh_from_db()
        assert (tenant.status, job.state) == ("deleted", "done")
        assert not Environment.objects.filter(tenant=tenant).exists()
        ended = AuditEvent.objects.get(tenant=tenant, action="tenant_removed")
    assert (ended.actor, ended.reason) == ("person:ada@acorn.example", "the shop closes")
