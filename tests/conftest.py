"""Real servers for a whole run, and the cast: Acorn Books, and Birch Shoes, who never sees it."""

from __future__ import annotations

import gc
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import HealthCheck, settings

from saas.embedded.postgres import EmbeddedPostgres
from saas.embedded.valkey import EmbeddedValkey

if TYPE_CHECKING:
    from tenants.models.environment import Environment

# No example is timed, since a busy machine is no fault, and a run that failed fails again.
settings.register_profile(
    "suite",
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("suite")


def pytest_configure(config: pytest.Config) -> None:
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if worker is None:
        _start_servers(config)
        if config.getoption("numprocesses", None):
            return
    _enter_database(worker or "main")


def pytest_collection() -> None:
    # What is collected stays, and the collector would look at it all again and again.
    gc.disable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # First what takes longest, lest one worker end with it while the other has nothing to do; last
    # what runs every process and so leaves rows of all kinds.
    items.sort(key=_turn)


def _turn(item: pytest.Item) -> int:
    folders = set(item.path.parts)
    return 0 if {"chaos", "fuzz"} & folders else 2 if "browser" in folders else 1


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


def pytest_make_parametrize_id(val: object) -> str | None:
    # gzip writes the time into its output, and each worker must collect the same names.
    return f"{len(val)} bytes" if isinstance(val, bytes) else None


def _start_servers(config: pytest.Config) -> None:
    folder = Path(tempfile.mkdtemp(prefix="shelfwise-tests-"))
    folder.chmod(0o755)
    postgres = EmbeddedPostgres(folder=folder / "postgres")
    valkey = EmbeddedValkey(folder=folder / "valkey")
    config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
    postgres.start()
    config.add_cleanup(postgres.stop)
    valkey.start()
    config.add_cleanup(valkey.stop)
    workers = config.getoption("numprocesses", None) or 0
    for name in [f"gw{number}" for number in range(workers)] or ["main"]:
        postgres.create_database(name=f"test_{name}")
    private = Ed25519PrivateKey.generate()
    os.environ.update(
        SHELFWISE_MODE="test",
        SHELFWISE_SECRET_KEY="only-for-tests-" + "0123456789" * 5,
        SHELFWISE_JWT_SIGNING_KEY=private.private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        ).decode(),
        SHELFWISE_JWT_VERIFYING_KEYS=private.public_key()
        .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        .decode(),
        DATABASE_URL=postgres.app_url,
        DATABASE_OWNER_URL=postgres.owner_url,
        REDIS_URL=valkey.url,
        SHELFWISE_ARTIFACTS=str(folder / "artifacts"),
        SHELFWISE_USAGE_LOG=str(folder / "usage"),
        SHELFWISE_TRAINING_SECONDS="5",
    )


def _enter_database(worker: str) -> None:
    for variable in ("DATABASE_URL", "DATABASE_OWNER_URL"):
        os.environ[variable] = os.environ[variable].replace("/shelfwise?", f"/test_{worker}?")
    for variable in ("SHELFWISE_ARTIFACTS", "SHELFWISE_USAGE_LOG"):
        os.environ[variable] += f"/{worker}"
    # Environments of two databases may have one id, and one queue would serve both.
    os.environ["REDIS_URL"] = os.environ["REDIS_URL"].removesuffix("0") + (
        worker[2:] if worker.startswith("gw") else "0"
    )
    os.environ["DJANGO_SETTINGS_MODULE"] = "saas.settings"
    import django
    from django.test.utils import setup_test_environment

    django.setup()
    setup_test_environment()


@contextmanager
def as_owner() -> Iterator[None]:
    """Act as the login that migrates and provisions."""
    from psycopg.conninfo import conninfo_to_dict

    from tenants.db.connection import connection

    def log_in(user: str) -> None:
        connection.close()
        connection.close_pool()
        connection.settings_dict["USER"] = user

    application = connection.settings_dict["USER"]
    log_in(str(conninfo_to_dict(os.environ["DATABASE_OWNER_URL"])["user"]))
    try:
        yield
    finally:
        log_in(application)


@dataclass(frozen=True)
class Store:
    """One of the cast: a tenant with both environments and a secret key for each."""

    live: Environment
    test: Environment
    key: str
    test_key: str


def make_key(environment: Environment, *, kind: str = "secret", **fields: Any) -> str:
    """Make an API key in the database and return its text."""
    from tenants import tokens
    from tenants.context import on_platform
    from tenants.models.api_key import ApiKey

    scopes = tokens.SCOPES if kind == "secret" else tokens.PUBLISHABLE_SCOPES
    text = tokens.make_key(
        kind=cast("tokens.KeyKind", kind),
        environment=cast("tokens.EnvironmentKind", environment.kind),
    )
    with on_platform():
        ApiKey.objects.create(
            environment=environment,
            kind=kind,
            name="of the tests",
            prefix=text[:12],
            last_four=text[-4:],
            digest=tokens.digest(text),
            **{"scopes": list(scopes), **fields},
        )
    return text


def make_store(name: str) -> Store:
    """Provision a tenant for good (committed), with its keys."""
    from tenants.context import on_platform
    from tenants.services.create_tenant import create_tenant

    with as_owner():
        created = create_tenant(name=name, slug=name.lower().replace(" ", "-"))
    with on_platform():
        return Store(
            live=created.live,
            test=created.test,
            key=make_key(created.live),
            test_key=make_key(created.test),
        )


@pytest.fixture(scope="session")
def migrated() -> None:
    """A database at the code's migrations, made by the command that deploys use."""
    subprocess.run([sys.executable, "manage.py", "migrate_schemas", "-v0"], check=True)


@pytest.fixture(scope="session")
def acorn_store(migrated: None) -> Store:
    return make_store("Acorn Books")


@pytest.fixture(scope="session")
def birch_store(migrated: None) -> Store:
    return make_store("Birch Shoes")


@pytest.fixture(autouse=True)
def _no_mail_yet() -> None:
    """Without the mails of the tests before."""
    from django.core import mail

    mail.outbox.clear()


@pytest.fixture
def no_files(acorn_store: Store, birch_store: Store) -> None:
    """The cast's artifacts and uploads without those of the tests before."""
    from engine.services.remove_old_artifacts import artifacts_of

    for store in (acorn_store, birch_store):
        for environment in (store.live, store.test):
            shutil.rmtree(artifacts_of(environment.pk), ignore_errors=True)


@pytest.fixture
def database(migrated: None, no_files: None) -> Iterator[None]:
    """A test's own view of the database: whatever it writes is rolled back."""
    from django.core.cache import cache
    from django.db import transaction

    from billing.models.stripe_event import StripeEvent
    from tenants.context import on_platform
    from tenants.models.export import Export
    from tenants.models.feed import Feed
    from tenants.models.invitation import Invitation
    from tenants.models.job import Job
    from tenants.models.roll_up import EnvironmentDay, TrainingRecord
    from tenants.models.sign_up import SignUp
    from tenants.models.staff_visit import StaffVisit
    from tenants.models.webhook import Webhook

    with on_platform(), transaction.atomic():
        # What real processes of earlier tests wrote down for all stores together.
        for kind in (
            *(Job, Webhook, Export, Feed, StripeEvent),
            *(Invitation, SignUp, StaffVisit, TrainingRecord, EnvironmentDay),
        ):
            kind.objects.all().delete()
        cache.clear()
        yield
        transaction.set_rollback(True)


@pytest.fixture
def acorn(database: None, acorn_store: Store) -> Environment:
    return _as_stored(acorn_store.live)


@pytest.fixture
def acorn_test(database: None, acorn_store: Store) -> Environment:
    return _as_stored(acorn_store.test)


@pytest.fixture
def birch(database: None, birch_store: Store) -> Environment:
    return _as_stored(birch_store.live)


def _as_stored(environment: Environment) -> Environment:
    """Forget what earlier tests have set on the one object of the session."""
    from tenants.context import on_platform

    with on_platform():
        environment.refresh_from_db(fields=["live_version", "is_pinned"])
    return environment


@pytest.fixture
def acorn_key(database: None, acorn_store: Store) -> str:
    return acorn_store.key


@pytest.fixture
def acorn_test_key(database: None, acorn_store: Store) -> str:
    return acorn_store.test_key


@pytest.fixture
def acorn_publishable_key(acorn: Environment) -> str:
    return make_key(acorn, kind="publishable", allowed_origins=["https://acorn-books.example"])


@pytest.fixture
def birch_key(database: None, birch_store: Store) -> str:
    return birch_store.key
