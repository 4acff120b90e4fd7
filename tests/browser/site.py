"""A served portal: a store with data and a member of each role, and another store beside it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from saas.portal.roles import RIGHTS
from saas.surfaces import PORTAL
from tenants.context import on_platform
from tenants.models.person import Member, Person
from tenants.models.tenant import Tenant
from tests.browser.shop import fill_shop, use_shop
from tests.conftest import Store
from tests.engine.model_versions import add_champions
from tests.people import logged_in
from tests.serving import committed_store, web_process
from tests.webhooks import make_webhook

PASSWORD = "correct horse battery"
ROLES = tuple(str(role) for role in RIGHTS)


@dataclass(frozen=True)
class Site:
    """Where it answers, whose pages there are, and the sessions of those who logged in."""

    port: int
    store: Store
    other: Store
    sessions: dict[str, str]

    @property
    def portal(self) -> str:
        """The portal's own address."""
        return f"http://portal.localhost:{self.port}"

    def address(self, page: str) -> str:
        """The address of a page of the store, such as `live/models/`."""
        return f"{self.portal}{self.path(page)}"

    def path(self, page: str, *, slug: str | None = None) -> str:
        """Where a page of a store is on the portal's own host."""
        return f"/stores/{slug or self.store.live.tenant.slug}/{page}"

    @contextmanager
    def client(self, role: str) -> Iterator[httpx.Client]:
        """A client that asks as a member does, without a browser's help."""
        cookie = f"{PORTAL.session_cookie}={self.sessions[role]}"
        headers = {"Host": self.portal.removeprefix("http://"), "Cookie": cookie}
        with httpx.Client(base_url=f"http://127.0.0.1:{self.port}", headers=headers) as client:
            yield client

    def email(self, role: str) -> str:
        """The address of the store's member with this role."""
        return email_of(self.store.live.tenant, role)


@contextmanager
def served_site(log: Path) -> Iterator[Site]:
    """Make both stores and serve them; afterwards delete what was made."""
    with committed_store("Acorn Books") as store, committed_store("Birch Shoes") as other:
        fill_shop(store.live)
        use_shop(store.live)
        make_webhook(store.live, "model.promoted", "import.failed")
        add_champions(store.live, 18, 20)
        with _members(store.live.tenant) as sessions, web_process(log) as (_, port):
            yield Site(port=port, store=store, other=other, sessions=sessions)


def email_of(tenant: Tenant, role: str) -> str:
    """Return the address of a store's member; no other store's has it."""
    return f"{role}@{tenant.slug}.example"


@contextmanager
def _members(tenant: Tenant) -> Iterator[dict[str, str]]:
    """Make a member of each role, each logged in; by role the session's key."""
    with on_platform():
        # One slow hash is enough: they have the same password.
        first = Person.objects.create_user(email_of(tenant, ROLES[0]), PASSWORD)
        people = [first]
        for role in ROLES[1:]:
            people.append(Person.objects.create_user(email_of(tenant, role)))
            people[-1].password = first.password
            people[-1].save(update_fields=["password"])
        for role, person in zip(ROLES, people, strict=True):
            Member.objects.create(person=person, tenant=tenant, role=role)
        sessions = {role: _log_in(each) for role, each in zip(ROLES, people, strict=True)}
    try:
        yield sessions
    finally:
        with on_platform():
            Person.objects.filter(pk__in=[each.pk for each in people]).delete()


def _log_in(person: Person) -> str:
    client = logged_in(person, host="portal.localhost")
    return client.cookies[PORTAL.session_cookie].value


def session_cookie(site: Site, role: str, *, host: str = "portal.localhost") -> dict[str, str]:
    """Return the cookie by which the browser is the member with this role."""
    url = f"http://{host}:{site.port}/"
    return {"name": PORTAL.session_cookie, "value": site.sessions[role], "url": url}
