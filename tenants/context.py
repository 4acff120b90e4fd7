"""Says for whom queries are made: a tenant's environment, or the platform."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django_tenants.postgresql_backend.base import FakeTenant

from tenants.db.connection import connection
from tenants.errors import NoTenantError

if TYPE_CHECKING:
    from tenants.models.environment import Environment

_PLATFORM = FakeTenant(schema_name="public")


@contextmanager
def in_environment(environment: Environment | None) -> Iterator[None]:
    """Run a transaction on an environment's tables alone, under its role.

    Raises
    ------
    NoTenantError
        There is no environment: a missing tenant is an error, never `public`.
    """
    if environment is None:
        raise NoTenantError("in_environment() needs an environment; got None.")
    with _acting_for(environment), transaction.atomic():
        yield


@contextmanager
def on_platform() -> Iterator[None]:
    """Query the `public` schema as the login itself; inside a transaction, part of it."""
    with _acting_for(_PLATFORM):
        yield


@contextmanager
def _acting_for(tenant: Any) -> Iterator[None]:  # django-tenants' own duck type
    before = connection.tenant
    connection.set_tenant(tenant)
    try:
        yield
    finally:
        if before is None:
            connection.clear_tenant()
        else:
            connection.set_tenant(before)
