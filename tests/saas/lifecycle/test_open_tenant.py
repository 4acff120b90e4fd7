"""A store begins with a plan, or does not begin."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest
from django.db import transaction

from billing.models.subscription import Subscription
from saas.lib.errors import NotFound
from saas.lifecycle.open_tenant import open_tenant
from tenants.context import on_platform
from tenants.models.audit_event import AuditEvent
from tenants.models.tenant import Entitlement, Tenant
from tests.conftest import as_owner


@pytest.fixture
def slug(migrated: None) -> Iterator[str]:
    """A name for a store that nobody sees after the test."""
    with as_owner(), on_platform(), transaction.atomic():
        yield f"cedar-tea-{secrets.token_hex(3)}"
        transaction.set_rollback(True)


def test_a_new_store_has_the_free_plan_and_its_limits(slug: str) -> None:
    created = open_tenant(name="Cedar Tea", slug=slug, actor="command")

    row = Subscription.objects.get(pk=created.tenant.pk)
    assert (row.plan_id, row.state, row.stripe_customer_id) == ("free", "active", "")
    entitlement = Entitlement.objects.get(pk=created.tenant.pk)
    assert (entitlement.call_limit, entitlement.rate_per_second) == (10_000, 5)
    (deed,) = AuditEvent.objects.filter(tenant=created.tenant)
    assert (deed.action, deed.after) == ("plan_assigned", {"plan": "free", "is_trial": False})


def test_without_its_plan_there_is_no_store(slug: str) -> None:
    with pytest.raises(NotFound, match="no plan 'gold'"):
        open_tenant(name="Cedar Tea", slug=slug, actor="command", plan_code="gold")
    assert not Tenant.objects.filter(slug=slug).exists()
