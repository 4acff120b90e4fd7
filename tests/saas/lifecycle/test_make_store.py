"""Signing up: a store with a sample to try, whatever a worker dies of on the way."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from django.db import transaction
from django.utils import timezone

from engine.models.event import Event
from engine.models.item import Item
from engine.models.training import TrainingRun
from engine.selectors.first_signs import MOST_COUNTED, first_signs
from saas.lib.errors import InvalidParameter
from saas.lifecycle import make_store as making
from saas.lifecycle.make_store import fail_store, make_store
from saas.lifecycle.sample.book_store import ACORN_BOOKS
from saas.lifecycle.sample.store import SMALL, SampleSize, make_sample_store
from tenants.context import in_environment, on_platform
from tenants.errors import LeaseLostError
from tenants.jobs import STORE_JOB
from tenants.models.audit_event import AuditEvent
from tenants.models.environment import Environment
from tenants.models.invitation import Invitation
from tenants.models.job import Job
from tenants.models.person import Member, Person
from tenants.models.sign_up import SignUp
from tenants.models.tenant import Tenant
from tenants.services.forget_unconfirmed import forget_unconfirmed
from tenants.services.request_store import request_store, start_sign_up
from tenants.services.run_job import ClaimedJob, claim_job
from tests.conftest import as_owner


@pytest.fixture(autouse=True)
def _as_owner(migrated: None) -> Iterator[None]:
    """The login of the worker that does this; nothing of it remains."""
    with as_owner(), on_platform(), transaction.atomic():
        Job.objects.all().delete()
        yield
        transaction.set_rollback(True)


@pytest.fixture
def name() -> str:
    """A name that no store of another test has."""
    return f"Cedar Tea {secrets.token_hex(3)}"


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sample that is written in no time."""
    monkeypatch.setattr(making, "SMALL", SampleSize(items=20, shoppers=10, visits=20))


@pytest.fixture
def person() -> Person:
    return Person.objects.create_user(f"{secrets.token_hex(4)}@cedar-tea.example")


def claimed(sign_up: SignUp) -> ClaimedJob:
    """The sign-up's job, taken by a worker."""
    job = Job.objects.get(kind=STORE_JOB, payload__sign_up_id=sign_up.pk)
    taken = claim_job(job_id=job.pk, kind=STORE_JOB, environment_id=None)
    assert taken is not None
    return taken


def made(sign_up: SignUp) -> Tenant:
    """The store that comes of a sign-up."""
    make_store(sign_up_id=sign_up.pk, job=claimed(sign_up))
    sign_up.refresh_from_db()
    assert sign_up.state == "done"
    assert sign_up.tenant is not None
    return sign_up.tenant


def environment(tenant: Tenant, kind: str) -> Environment:
    return Environment.objects.select_related("tenant").get(tenant=tenant, kind=kind)


def test_who_signed_up_owns_a_store_with_a_sample_in_its_test_environment(
    name: str, person: Person
) -> None:
    sign_up = request_store(name=name, actor=f"person:{person.email}", person=person)
    assert not Job.objects.filter(kind=STORE_JOB).exists()
    start_sign_up(person_id=person.pk)
    tenant = made(sign_up)

    assert (tenant.name, tenant.slug) == (name, name.lower().replace(" ", "-"))
    assert Member.objects.get(tenant=tenant).role == "owner"
    deeds = AuditEvent.objects.filter(tenant=tenant, action="store_opened")
    assert [deed.actor for deed in deeds] == [f"person:{person.email}"]
    with in_environment(environment(tenant, "test")):
        signs = first_signs()
        assert signs.items == SMALL.items
        assert signs.lines == MOST_COUNTED
        assert TrainingRun.objects.get().status == "queued"
    with in_environment(environment(tenant, "live")):
        assert not Item.objects.exists()
    assert sign_up.progress == 1
    assert Job.objects.get(kind=STORE_JOB).state == "done"


def test_an_address_is_confirmed_once_for_all(name: str, person: Person) -> None:
    request_store(name=name, actor=f"person:{person.email}", person=person)
    for _ in range(2):
        start_sign_up(person_id=person.pk)
    assert Job.objects.filter(kind=STORE_JOB).count() == 1


@pytest.mark.parametrize("step", ["open_tenant", "write_items", "ingest_events", "finish_job"])
def test_a_worker_that_dies_is_followed_by_one_that_finishes(
    name: str, person: Person, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    sign_up = request_store(name=name, actor="person:x", person=person)
    asked_at = timezone.now() - timedelta(days=2)
    SignUp.objects.filter(pk=sign_up.pk).update(created_at=asked_at)
    start_sign_up(person_id=person.pk)
    first = claimed(sign_up)
    real = getattr(making, step)

    def die_after(*arguments: object, **named: object) -> None:
        real(*arguments, **named)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(making, step, die_after)
        with pytest.raises(KeyboardInterrupt):
            make_store(sign_up_id=sign_up.pk, job=first)
    Job.objects.filter(pk=first.id).update(state="queued", lease_until=None)
    tenant = made(sign_up)

    assert Tenant.objects.filter(name=name).count() == 1
    assert Member.objects.filter(tenant=tenant).count() == 1
    sample = make_sample_store(
        spec=ACORN_BOOKS, size=SMALL, ends_at=sign_up.created_at, seed=making.SEED
    )
    with in_environment(environment(tenant, "test")):
        assert Item.objects.count() == SMALL.items
        lines = sum(len(each.get("items", "1")) for each in sample.events())
        assert Event.objects.count() == lines
        # Each worker has filled it as of the same time.
        assert not Event.objects.filter(occurred_at__gt=sign_up.created_at).exists()


def test_who_has_lost_the_job_makes_nothing(name: str) -> None:
    sign_up = request_store(name=name, actor="staff:x", reason="asked by telephone")
    job = claimed(sign_up)
    Job.objects.filter(pk=job.id).update(fencing_token=job.fencing_token + 1)
    with pytest.raises(LeaseLostError):
        make_store(sign_up_id=sign_up.pk, job=job)
    assert not Tenant.objects.filter(name=name).exists()


def test_a_slug_that_is_taken_gets_the_next_number(name: str, tiny: None) -> None:
    slugs = [made(request_store(name=name, actor="staff:x")).slug for _ in range(3)]
    first = name.lower().replace(" ", "-")
    assert slugs == [first, f"{first}-2", f"{first}-3"]


@pytest.mark.parametrize("given", ["WWW", "書店", "__", "a" * 80])
def test_any_name_gets_a_host(given: str, tiny: None) -> None:
    slug = made(request_store(name=given, actor="staff:x")).slug
    assert slug.startswith({"WWW": "www-", "書店": "store", "__": "store"}.get(given, "a" * 40))


@pytest.mark.parametrize("given", ["", " ", "a" * 81, "Win at https://evil.example", "a\x00b"])
def test_what_is_no_name_is_refused(given: str) -> None:
    with pytest.raises(InvalidParameter, match="cannot be the name of a store"):
        request_store(name=given, actor="staff:x")


def test_staff_name_the_host_and_invite_the_owner(name: str, tiny: None) -> None:
    slug = f"tea-{secrets.token_hex(3)}"
    sign_up = request_store(
        name=name, slug=slug, owner_email="Ann@Cedar.example", actor="staff:x", reason="a friend"
    )
    tenant = made(sign_up)
    assert tenant.slug == slug
    invitation = Invitation.objects.get(tenant=tenant)
    assert (invitation.email, invitation.role) == ("ann@cedar.example", "owner")
    assert Job.objects.filter(payload__invitation_id=invitation.pk).count() == 1
    with pytest.raises(InvalidParameter, match="cannot be part of a hostname"):
        request_store(name=name, slug="No Slug", actor="staff:x")
    with pytest.raises(InvalidParameter, match="no e-mail address"):
        request_store(name=name, owner_email="nobody", actor="staff:x")


def test_a_store_that_does_not_come_says_so(name: str) -> None:
    sign_up = request_store(name=name, actor="staff:x")
    fail_store(sign_up_id=sign_up.pk, reason="It failed on our side.")
    sign_up.refresh_from_db()
    assert (sign_up.state, sign_up.error) == ("failed", "It failed on our side.")


def test_who_never_confirms_the_address_is_forgotten_after_three_days(name: str) -> None:
    people = {
        each: Person.objects.create_user(f"{each}-{secrets.token_hex(4)}@x.example")
        for each in ("late", "young", "confirmed", "staff")
    }
    unconfirmed = [people[each] for each in ("late", "young", "staff")]
    EmailAddress.objects.filter(user__in=unconfirmed).update(verified=False)
    Person.objects.filter(pk=people["staff"].pk).update(is_staff=True)
    longer_ago = timezone.now() - timedelta(days=3, minutes=1)
    old = [people[each].pk for each in ("late", "confirmed", "staff")]
    Person.objects.filter(pk__in=old).update(date_joined=longer_ago)
    sign_up = request_store(name=name, actor="person:late", person=people["late"])

    forget_unconfirmed()

    left = set(Person.objects.filter(pk__in=[each.pk for each in people.values()]))
    assert left == {people["young"], people["confirmed"], people["staff"]}
    assert not SignUp.objects.filter(pk=sign_up.pk).exists()
