"""Makes a store that was asked for: its environments, its owner, and a sample to try."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import count, islice
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.text import slugify

from engine.services.ingest_events import ingest_events
from engine.services.request_training import request_training
from engine.services.write_items import write_items
from saas.lib.errors import Conflict
from saas.lifecycle.open_tenant import open_tenant
from saas.lifecycle.sample.book_store import ACORN_BOOKS
from saas.lifecycle.sample.store import SMALL, make_sample_store
from tenants.context import in_environment, on_platform
from tenants.models.environment import Environment
from tenants.models.person import Member
from tenants.models.sign_up import SignUp
from tenants.models.tenant import Tenant
from tenants.services.invite_member import invite_member
from tenants.services.record_audit import record_audit
from tenants.services.run_job import ClaimedJob, ensure_held, finish_job

SEED = 7
_BATCH_ROWS = 1_000
# Names that a store's host must not take: they may be ours.
RESERVED = frozenset({"admin", "api", "app", "docs", "mail", "portal", "staff", "status", "www"})
_LONGEST_SLUG = 40


def make_store(*, sign_up_id: str, job: ClaimedJob) -> None:
    """Do the job of one sign-up, from wherever a worker that died has left it. Runs as the owner.

    The test environment gets the sample's rows and a training; until that is done its calls are
    answered with what is popular in them.

    Parameters
    ----------
    sign_up_id
        What was asked for.
    job
        Held by this worker; ends in the transaction that says the store is ready.

    Raises
    ------
    LeaseLostError
        Another worker has the job now.
    """
    sign_up = _with_tenant(sign_up_id, job)
    with on_platform():
        test = Environment.objects.select_related("tenant").get(
            tenant_id=sign_up.tenant_id, kind=Environment.Kind.TEST
        )
    _fill(test, sign_up)
    with in_environment(test):
        request_training(environment=test)
        with on_platform():
            if sign_up.owner_email:
                invite_member(
                    tenant=test.tenant,
                    email=sign_up.owner_email,
                    role=Member.Role.OWNER,
                    actor=sign_up.actor,
                )
            _note(sign_up, state=SignUp.State.DONE, progress=1, finished_at=timezone.now())
            finish_job(job)


def fail_store(*, sign_up_id: str, reason: str) -> None:
    """Say on the sign-up that its store will not come by itself."""
    SignUp.objects.filter(pk=sign_up_id).update(
        state=SignUp.State.FAILED, error=reason, finished_at=timezone.now()
    )


def _with_tenant(sign_up_id: str, job: ClaimedJob) -> SignUp:
    with on_platform():
        SignUp.objects.filter(pk=sign_up_id, state=SignUp.State.QUEUED).update(
            state=SignUp.State.MAKING
        )
        with transaction.atomic():
            ensure_held(job)
            sign_up = SignUp.objects.select_for_update().get(pk=sign_up_id)
            if sign_up.tenant_id is None:
                tenant = _open(sign_up)
                _note(sign_up, state=SignUp.State.FILLING, progress=0.1, tenant=tenant)
    return sign_up


def _open(sign_up: SignUp) -> Tenant:
    tenant = _open_with_free_slug(sign_up)
    if sign_up.person_id is not None:
        Member.objects.create(person_id=sign_up.person_id, tenant=tenant, role=Member.Role.OWNER)
    record_audit(
        tenant_id=tenant.pk,
        actor=sign_up.actor,
        action="store_opened",
        object=f"tenant:{tenant.slug}",
        reason=sign_up.reason,
    )
    return tenant


def _open_with_free_slug(sign_up: SignUp) -> Tenant:
    wanted = (sign_up.slug or slugify(sign_up.name).replace("_", "-"))[:_LONGEST_SLUG]
    for slug in _free_slugs(wanted.strip("-") or "store"):
        try:
            with transaction.atomic():
                return open_tenant(name=sign_up.name, slug=slug, actor=sign_up.actor).tenant
        except (Conflict, IntegrityError):
            # Another sign-up took it in between.
            continue
    raise AssertionError("There is always a next number.")


def _free_slugs(wanted: str) -> Iterator[str]:
    taken = set(Tenant.objects.filter(slug__startswith=wanted).values_list("slug", flat=True))
    numbered = (f"{wanted}-{number}" for number in count(2))
    if wanted not in taken | RESERVED:
        yield wanted
    yield from (slug for slug in numbered if slug not in taken)


def _fill(test: Environment, sign_up: SignUp) -> None:
    # At the same time however often it is begun, so that what is there already comes as duplicate.
    sample = make_sample_store(spec=ACORN_BOOKS, size=SMALL, ends_at=sign_up.created_at, seed=SEED)
    with in_environment(test):
        write_items(environment=test, rows=list(sample.items()))
    done = 0
    for rows in _batches(sample.events()):
        with in_environment(test):
            ingest_events(environment=test, rows=rows, received_at=timezone.now(), source="import")
        done += len(rows)
        with on_platform():
            _note(sign_up, progress=0.1 + 0.9 * done / sample.event_count)


def _batches(rows: Iterable[Any]) -> Iterator[list[Any]]:
    remaining = iter(rows)
    while batch := list(islice(remaining, _BATCH_ROWS)):
        yield batch


def _note(sign_up: SignUp, **changes: Any) -> None:
    for name, value in changes.items():
        setattr(sign_up, name, value)
    sign_up.save(update_fields=list(changes))
