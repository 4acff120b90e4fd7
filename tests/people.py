"""People who look at pages: logged in, on the host where they belong."""

from __future__ import annotations

from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.test import Client

from saas.surfaces import PORTAL, STAFF, Surface
from tenants.context import on_platform
from tenants.models.person import Member, Person
from tenants.models.tenant import Tenant

# As a deployment would name them.
PORTAL_HOST, PORTAL_DOMAIN, STAFF_HOST = "portal.localhost", "stores.localhost", "staff.localhost"


def store_host(tenant: Tenant) -> str:
    """Return the host on which a store's pages answer."""
    return f"{tenant.slug}.{PORTAL_DOMAIN}"


def member(tenant: Tenant, role: str = Member.Role.OWNER, *, email: str | None = None) -> Person:
    """Make a person with a role at a store."""
    with on_platform():
        person = Person.objects.create_user(
            email or f"{role}@{tenant.slug}.example", "correct horse"
        )
        Member.objects.create(person=person, tenant=tenant, role=role)
    return person


def logged_in(person: Person, *, host: str, surface: Surface = PORTAL) -> Client:
    """Return a browser without JavaScript in which a person has logged in."""
    client = Client(SERVER_NAME=host)
    client.force_login(person)
    morsel = client.cookies.pop(settings.SESSION_COOKIE_NAME)
    client.cookies[surface.session_cookie] = morsel.value
    return client


def visitor(tenant: Tenant, role: str = Member.Role.OWNER) -> Client:
    """Return the browser of a new member of a store, on the store's own host."""
    return logged_in(member(tenant, role), host=store_host(tenant))


def staff(email: str = "staff@shelfwise.example") -> Person:
    """Make a person of platform staff."""
    with on_platform():
        return Person.objects.create_superuser(email, "battery staple")


def at_console(person: Person) -> Client:
    """Return the browser of somebody who has logged in to the staff console with a code."""
    client = logged_in(person, host=STAFF_HOST, surface=STAFF)
    session = SessionStore(client.cookies[STAFF.session_cookie].value)
    session["staff_console"] = True
    session["account_authentication_methods"] = [{"method": "mfa", "at": 0.0, "type": "totp"}]
    session["account_authentication_methods_user"] = str(person.pk)
    session.save()
    return client
