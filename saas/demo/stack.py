"""The processes of a whole Shelfwise on one machine, in the order in which they start."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from saas.embedded.home import postgres_in, valkey_in
from saas.embedded.ports import free_port, free_port_from, public_port
from saas.embedded.service import Service, answers

PROJECT = Path(__file__).resolve().parents[2]
# A small budget, so that a newcomer sees a model within the first minute and a half.
DEMO_TRAINING_SECONDS = "12"


@dataclass(frozen=True)
class Ports:
    """Where the demo answers; real ports, chosen when it starts."""

    public: int
    inference: int
    portal: int
    staff: int
    stripe: int


def choose_ports() -> Ports:
    """Return SHELFWISE_PORT or 8000 and the ports above it that are free."""
    public = public_port()
    inference = free_port_from(public + 1)
    portal = free_port_from(inference + 1)
    staff = free_port_from(portal + 1)
    return Ports(public, inference, portal, staff, free_port_from(staff + 1))


def embedded_servers(
    home: Path, *, closing: ExitStack
) -> Iterator[tuple[str, Callable[[], Service]]]:
    """Yield a title and a declaration for each server that no variable of the user's replaces.

    Once such a server runs, asking for the next one puts its URLs into the environment. What it
    holds beside its process is given back when `closing` closes, after the process has stopped.
    """
    if not os.environ.get("DATABASE_URL"):
        postgres = closing.enter_context(postgres_in(home))
        yield "PostgreSQL", postgres.prepare
        os.environ["DATABASE_URL"] = postgres.app_url
        os.environ["DATABASE_OWNER_URL"] = postgres.owner_url
    if not os.environ.get("REDIS_URL"):
        valkey = closing.enter_context(valkey_in(home))
        yield "Valkey", valkey.prepare
        os.environ["REDIS_URL"] = valkey.url


def demo_environment(home: Path, *, credentials: dict[str, str], ports: Ports) -> dict[str, str]:
    """Return what the demo's processes find in their environment."""
    hosts = f"127.0.0.1:{ports.portal}", f"127.0.0.1:{ports.staff}"
    digest = hashlib.sha256(credentials["secret_key"].encode()).hexdigest()
    # The real Stripe, where the user has a key of it, signs with a secret of its own.
    billing = {
        "SHELFWISE_LOCAL_STRIPE_URL": f"http://127.0.0.1:{ports.stripe}",
        "STRIPE_WEBHOOK_SECRET": f"whsec_{digest}",
    }
    return {
        **({} if os.environ.get("STRIPE_SECRET_KEY") else billing),
        "SHELFWISE_MODE": "demo",
        "SHELFWISE_SECRET_KEY": credentials["secret_key"],
        "SHELFWISE_JWT_SIGNING_KEY": credentials["jwt_signing_key"],
        "SHELFWISE_JWT_VERIFYING_KEYS": credentials["jwt_verifying_keys"],
        "SHELFWISE_ARTIFACTS": str(home / "artifacts"),
        "SHELFWISE_USAGE_LOG": str(home / "usage"),
        "SHELFWISE_TRAINING_SECONDS": DEMO_TRAINING_SECONDS,
        "SHELFWISE_PORTAL_HOST": hosts[0],
        "SHELFWISE_PORTAL_DOMAIN": f"localhost:{ports.portal}",
        "SHELFWISE_STAFF_HOST": hosts[1],
        "SHELFWISE_API_URL": f"http://127.0.0.1:{ports.public}",
        "SHELFWISE_INFERENCE_URL": f"http://127.0.0.1:{ports.inference}",
        # Shown by the demo itself, where the user has no mail server.
        "SHELFWISE_MAIL_URL": os.environ.get("SHELFWISE_MAIL_URL", mail_folder(home).as_uri()),
        "DJANGO_SETTINGS_MODULE": "saas.settings",
    }


def mail_folder(home: Path) -> Path:
    """Return where the demo's processes put their mails."""
    return (home / "mail").resolve()


def processes(home: Path, *, ports: Ports) -> list[Service]:
    """Return our own processes; each says on its management port when it is ready."""
    web_ports = f"{ports.public},{ports.portal},{ports.staff}"
    return [
        *([] if os.environ.get("STRIPE_SECRET_KEY") else [_local_stripe(home, ports)]),
        _process("web", home, "-m", "saas.web", "--ports", web_ports),
        _process("inference", home, "-m", "api.inference", "--port", str(ports.inference)),
        _process("worker", home, "-m", "saas.worker", "-Q", "default,mail", "--concurrency", "1"),
        _process("long-worker", home, "-m", "saas.worker", "-Q", "long"),
        _process("owner-worker", home, "-m", "saas.worker", "-Q", "owner", "-P", "solo"),
        _process("dispatcher", home, "manage.py", "dispatch"),
        _process("shipper", home, "-m", "billing.metering"),
    ]


def _local_stripe(home: Path, ports: Ports) -> Service:
    webhook = f"http://127.0.0.1:{ports.public}/v1/stripe/webhook"
    return Service(
        name="stripe",
        command=(
            *(sys.executable, "-m", "billing.local_stripe", "--port", str(ports.stripe)),
            *("--state", str(home / "stripe.json"), "--webhook", webhook),
        ),
        environment=os.environ,
        folder=PROJECT,
        is_ready=answers(f"http://127.0.0.1:{ports.stripe}/healthz"),
    )


def _process(name: str, home: Path, *arguments: str) -> Service:
    port = free_port()
    own = {
        "SHELFWISE_PROCESS": name,
        "SHELFWISE_MANAGEMENT_PORT": str(port),
        # Two processes of one machine must not share a file that each writes.
        "SHELFWISE_CONTROL_CACHE": str(home / f"control-{name}.json"),
    }
    inherited = dict(os.environ)
    if name == "owner-worker":
        own["SHELFWISE_LOGIN"] = "owner"
    else:
        # Who answers the world cannot change schemas, whatever becomes of it.
        inherited.pop("DATABASE_OWNER_URL", None)
    service = Service(
        name=name,
        command=(sys.executable, *arguments),
        environment={**inherited, **own},
        folder=PROJECT,
        is_ready=answers(f"http://127.0.0.1:{port}/readyz"),
    )
    # A worker in the middle of a training is stopped hard: its lease brings the job back.
    return replace(service, grace_seconds=5.0) if name.endswith("worker") else service
