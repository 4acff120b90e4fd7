"""Makes a store: its tenant, its live and test environments, and what its plan allows."""

from __future__ import annotations

import re
from dataclasses import dataclass

from django.db import transaction

from saas.lib.config import config
from saas.lib.errors import Conflict, InvalidParameter
from tenants.context import on_platform
from tenants.models.environment import Environment
from tenants.models.tenant import Entitlement, Tenant
from tenants.services.provision_environment import provision_environment

_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,48}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class CreatedTenant:
    """A new store, ready for its first key."""

    tenant: Tenant
    live: Environment
    test: Environment


def create_tenant(*, name: str, slug: str) -> CreatedTenant:
    """Make a tenant with both environments, or nothing at all. Runs as the owner.

    Parameters
    ----------
    name
        What people call the store.
    slug
        What hostnames call it: lower-case letters, digits and hyphens.

    Raises
    ------
    InvalidParameter
        The slug cannot be part of a hostname.
    Conflict
        The slug is taken.
    SchemaScriptMissingError
        The migrations have not been run with this code.
    """
    check_slug(slug)
    with on_platform(), transaction.atomic():
        if Tenant.objects.filter(slug=slug).exists():
            raise Conflict(f"The slug '{slug}' is taken; choose another one.")
        tenant = Tenant.objects.create(name=name, slug=slug)
        Entitlement.objects.create(tenant=tenant, training_seconds=config().training_seconds)
        live = provision_environment(tenant=tenant, kind=Environment.Kind.LIVE)
        test = provision_environment(tenant=tenant, kind=Environment.Kind.TEST)
    return CreatedTenant(tenant=tenant, live=live, test=test)


def check_slug(slug: str) -> None:
    """Make sure that a slug can be a part of a hostname.

    Raises
    ------
    InvalidParameter
        It cannot.
    """
    if not _SLUG.fullmatch(slug):
        raise InvalidParameter(
            f"The slug '{slug[:80]}' cannot be part of a hostname; "
            "send 1 to 50 lower-case letters, digits and hyphens such as 'acorn-books'.",
            pointer="/slug",
        )
