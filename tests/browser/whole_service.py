"""A whole service on the test's database: web, both workers, a dispatcher and a local Stripe."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from billing.local_stripe.events import add_hook
from billing.models.plan import Plan
from billing.models.usage import UsageShipper
from billing.services.mirror_plans import mirror_plans
from billing.stripe_gateway import gateway
from saas.embedded.ports import free_port
from saas.lib.config import config
from saas.lifecycle.delete_tenant import delete_tenant
from tenants.context import on_platform
from tenants.models.job import Job
from tenants.models.person import Person
from tenants.models.tenant import Tenant
from tests.billing.stripe_server import new_account, running_stripe
from tests.chaos.processes import Process, wait_for
from tests.conftest import as_owner
from tests.serving import addresses, is_ready

_WEBHOOK_SECRET = "whsec_of_the_first_day"
_MIRRORED = ("stripe_product_id", "stripe_flat_price_id", "stripe_metered_price_id")
_COMMANDS = {
    "web": ("-m", "saas.web", "--ports"),
    "worker": ("-m", "saas.worker", "--concurrency", "1"),
    "owner-worker": ("-m", "saas.worker", "-Q", "owner", "-P", "solo"),
    "dispatcher": ("manage.py", "dispatch"),
}


@dataclass(frozen=True)
class Service:
    """Where it answers, and where its processes print."""

    port: int
    logs: Path

    @property
    def portal(self) -> str:
        """The portal's address."""
        return f"http://portal.localhost:{self.port}"

    def mailed_link(self, path: str) -> str:
        """Wait for a mail with a link to such a path, which is printed, and return the link."""
        link = re.compile(re.escape(f"{self.portal}/{path}") + r"[^\s<>\"]+")

        def found() -> str | None:
            for log in self.logs.glob("*.log"):
                if match := link.search(log.read_text(errors="replace")):
                    return match[0]
            return None

        return wait_for(f"a mail with a link to {path}", found, seconds=60)


@contextmanager
def whole_service(logs: Path, monkeypatch: pytest.MonkeyPatch, *, people: str) -> Iterator[Service]:
    """Start every process; afterwards delete the people at a mail domain, with their stores."""
    port = free_port()
    with running_stripe() as server, new_account(*server) as account:
        webhook = f"http://127.0.0.1:{port}/v1/stripe/webhook"
        add_hook(account.world, url=webhook, types=["*"], secret=_WEBHOOK_SECRET)
        monkeypatch.setenv("SHELFWISE_LOCAL_STRIPE_URL", account.address)
        monkeypatch.setenv("STRIPE_WEBHOOK_SECRET", _WEBHOOK_SECRET)
        with _plans_at_stripe(), _processes(port, logs):
            wait_for("the web process to be ready", lambda: is_ready(port), seconds=120)
            try:
                yield Service(port=port, logs=logs)
            finally:
                _delete(people)


@contextmanager
def _processes(port: int, logs: Path) -> Iterator[None]:
    running = []
    try:
        for name, command in _COMMANDS.items():
            environment = addresses(port) | {
                "SHELFWISE_PROCESS": name,
                # Not with what other tests' processes have left in theirs.
                "SHELFWISE_USAGE_LOG": str(logs / "usage"),
            }
            if name == "owner-worker":
                environment["SHELFWISE_LOGIN"] = "owner"
            arguments = (*command, str(port)) if name == "web" else command
            log = logs / f"{name}.log"
            running.append(Process(*arguments, log=log, environment=environment))
        yield
    finally:
        for process in running:
            process.kill()
        with on_platform():
            Job.objects.all().delete()


@contextmanager
def _plans_at_stripe() -> Iterator[None]:
    """Have Stripe know our plans, and the rows of our plans be as they were afterwards."""
    _forget()
    with on_platform():
        before = list(Plan.objects.values("pk", *_MIRRORED))
    try:
        mirror_plans()
        yield
    finally:
        with on_platform():
            for row in before:
                Plan.objects.filter(pk=row.pop("pk")).update(**row)
        _forget()


def _forget() -> None:
    config.cache_clear()
    gateway.cache_clear()


def _delete(people: str) -> None:
    with on_platform():
        # A host without a shipper; those of other tests ship no more.
        UsageShipper.objects.all().delete()
        found = Person.objects.filter(email__endswith=f"@{people}")
        stores = Tenant.objects.filter(members__person__in=found).distinct()
        slugs = list(stores.values_list("slug", flat=True))
    with as_owner():
        for slug in slugs:
            delete_tenant(slug=slug, actor="command", reason="the test ends")
    with on_platform():
        found.delete()
