"""What staff do: each deed asks why, calls a service, and stands in the audit log with a name."""

from __future__ import annotations

import itertools
import re
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone

from billing.jobs import APPLY_EVENT_JOB, RECONCILE_JOB
from billing.models.credit import Credit
from billing.models.plan import Plan
from billing.models.stripe_event import StripeEvent
from billing.models.subscription import Subscription
from billing.models.usage import UsageBucket
from billing.models.usage_report import UsageReport
from billing.services.assign_plan import assign_plan
from engine.jobs import IMPORT_JOB, TRAINING_JOB, TRENDS_JOB
from saas.lib.ids import new_ulid
from tenants.models.api_key import ApiKey
from tenants.models.audit_event import AuditEvent
from tenants.models.environment import Environment
from tenants.models.job import Job
from tenants.models.person import Person
from tenants.models.tenant import Entitlement, Tenant
from tenants.models.webhook import Webhook, WebhookDelivery
from tests.conftest import make_key
from tests.people import PORTAL_HOST, at_console
from tests.people import staff as make_staff

WHY = "The owner asked for it on the phone."


def do(client: Client, where: str, **given: Any) -> str:
    """Do a deed with a reason; return what the next page says, or the refusal."""
    answer = client.post(where, {"reason": WHY, **given}, follow=True)
    return answer.content.decode()


def audited(action: str) -> AuditEvent:
    return AuditEvent.objects.filter(action=action).latest("pk")


def of(store: Environment, deed: str) -> str:
    return f"/tenants/tenant/{store.tenant_id}/deeds/{deed}/"


@pytest.fixture
def paying(acorn: Environment) -> Environment:
    """Acorn on the starter plan, which staff gave it."""
    assign_plan(tenant_id=acorn.tenant_id, plan_code="starter", actor="command", reason="A test.")
    return acorn


def failed_job(kind: str, environment: Environment | None = None) -> Job:
    return Job.objects.create(
        kind=kind,
        environment=environment,
        payload={},
        state=Job.State.FAILED,
        attempts=3,
        run_after=timezone.now(),
        finished_at=timezone.now(),
        error="It failed on our side.",
    )


# Reasons and rights.


def test_without_a_reason_nothing_is_done(console: Client, paying: Environment) -> None:
    before = AuditEvent.objects.count()
    given = {
        "plan": "growth",
        "amount": "5",
        "key": "k",
        "hour": "2026-11-01 10:00",
        "units": "1",
        **dict.fromkeys(("included_calls", "rate_per_second", "burst"), "9"),
        "retention_days": "9",
        "training_seconds": "9",
        "slug": paying.tenant.slug,
    }
    deeds = ("open", "suspend", "plan", "limits", "cap", "credit", "comp", "delete", "export")
    for deed, reason in itertools.product(deeds, ("", "   ")):
        answer = console.post(of(paying, deed), {**given, "reason": reason})
        assert answer.status_code == 400, deed
        assert "This field is required" in answer.content.decode(), deed
    assert AuditEvent.objects.count() == before


def test_a_page_says_what_will_happen_before_it_does(console: Client, acorn: Environment) -> None:
    text = console.get(of(acorn, "suspend")).content.decode()
    assert "refused with 403 within 2 seconds" in text
    assert "Acorn Books" in text
    acorn.tenant.refresh_from_db()
    assert acorn.tenant.status == Tenant.Status.ACTIVE


def test_who_may_only_look_is_offered_nothing_and_can_do_nothing(acorn: Environment) -> None:
    person = make_staff("looks@shelfwise.example")
    Person.objects.filter(pk=person.pk).update(is_superuser=False)
    person.user_permissions.add(Permission.objects.get(codename="view_tenant"))
    client = at_console(person)
    page = client.get(f"/tenants/tenant/{acorn.tenant_id}/change/").content.decode()
    assert "Acorn Books" in page
    assert "/deeds/" not in page
    answer = client.post(of(acorn, "suspend"), {"reason": WHY})
    assert answer.status_code == 403
    assert client.get("/billing/plan/").status_code == 403


def test_a_form_of_another_site_does_nothing(staff: Person, acorn: Environment) -> None:
    forged = Client(SERVER_NAME="staff.localhost", enforce_csrf_checks=True)
    forged.cookies = at_console(staff).cookies
    assert forged.post(of(acorn, "suspend"), {"reason": WHY}).status_code == 403


# Stores.


def test_a_store_is_suspended_and_answered_again(
    console: Client, staff: Person, acorn: Environment
) -> None:
    assert "is suspended" in do(console, of(acorn, "suspend"))
    acorn.tenant.refresh_from_db()
    assert acorn.tenant.status == Tenant.Status.SUSPENDED
    event = audited("tenant_suspended")
    assert (event.actor, event.reason) == (f"staff:{staff.email}", WHY)
    assert console.get(of(acorn, "suspend")).status_code == 404
    assert "answered again" in do(console, of(acorn, "resume"))


def test_a_store_without_a_plan_is_told_so(console: Client, acorn: Environment) -> None:
    Subscription.objects.filter(pk=acorn.tenant_id).delete()
    assert "has no plan" in do(console, of(acorn, "cap"), amount="10")


def test_plan_limits_and_cap_act_on_the_entitlement(console: Client, paying: Environment) -> None:
    assert "has Growth now" in do(console, of(paying, "plan"), plan="growth")
    assert Entitlement.objects.get(pk=paying.tenant_id).plan == "growth"
    limits = {"included_calls": 7, "rate_per_second": 8, "burst": 9, "retention_days": 10}
    text = do(console, of(paying, "limits"), **limits, training_seconds=11)
    assert "this contract alone" in text
    entitlement = Entitlement.objects.get(pk=paying.tenant_id)
    assert entitlement.plan == "contract-acorn-books"
    assert (entitlement.rate_per_second, entitlement.included_calls) == (8, 7)
    assert entitlement.catalogue_items is None
    assert Plan.objects.get(pk="growth").rate_per_second == 100
    assert "at most 400" in do(console, of(paying, "cap"), amount="400")
    assert Subscription.objects.get(pk=paying.tenant_id).spend_cap_minor == 40_000


def test_calls_are_taken_off_the_bill_and_never_more_than_there_are(
    console: Client, paying: Environment
) -> None:
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    UsageBucket.objects.create(environment_id=paying.pk, hour=hour, operation=1, calls=20, units=20)
    given = {"hour": f"{hour:%Y-%m-%d %H:%M}"}
    assert "cannot be taken off" in do(console, of(paying, "comp"), **given, units=21)
    assert "5 calls are taken off" in do(console, of(paying, "comp"), **given, units=5)


def test_a_deletion_asks_for_the_slug_waits_and_can_be_taken_back(
    console: Client, acorn: Environment
) -> None:
    assert "is not this store" in do(console, of(acorn, "delete"), slug="birch-shoes")
    text = do(console, of(acorn, "delete"), slug="acorn-books", wants_export="on")
    assert "This store will be deleted at" in text
    assert Job.objects.filter(kind="saas.lifecycle.tasks.export_store").count() == 1
    assert "is kept" in do(console, of(acorn, "keep"))
    assert not Job.objects.filter(kind="saas.lifecycle.tasks.delete_tenant").exists()


def test_a_new_store_is_asked_for_and_its_page_looks_again_until_it_is_made(
    console: Client, staff: Person
) -> None:
    answer = console.post(
        "/tenants/tenant/deeds/create/",
        {"name": "Cedar Toys", "owner_email": "ann@cedar.example", "reason": WHY},
    )
    page = console.get(answer.headers["Location"])
    text = page.content.decode()
    assert 'hx-trigger="every 1s"' in text
    assert "<noscript><meta http-equiv=" in text
    assert "<progress" in text
    job = Job.objects.get(kind="saas.lifecycle.tasks.make_store")
    assert job.state == Job.State.QUEUED


def test_a_visit_is_a_link_to_the_portal_that_works_once(
    console: Client, acorn: Environment
) -> None:
    text = do(console, of(acorn, "open"))
    link = re.search(r'href="[^"]*(/stores/acorn-books/staff-visit/[^"]+)"', text)
    assert link is not None
    visitor = Client(SERVER_NAME=PORTAL_HOST)
    assert visitor.get(link[1]).status_code == 200
    assert visitor.post(link[1]).status_code == 302
    assert visitor.post(link[1]).status_code == 404
    assert audited("staff_visit_began").reason == WHY


# Money.


def test_a_large_credit_takes_two_people(
    console: Client, paying: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("billing.services.grant_credit.ensure_stripe_customer", lambda **_: "cus")
    key = str(uuid.uuid4())
    for _ in range(2):
        text = do(console, of(paying, "credit"), amount="1000.01", key=key)
        assert "Somebody else of staff has to approve it" in text
    credit = Credit.objects.get(tenant=paying.tenant)
    page = f"/billing/credit/{credit.pk}/deeds/approve/"
    assert "Who asks for a credit does not approve it" in do(console, page)
    second = at_console(make_staff("second@shelfwise.example"))
    assert "approved" in do(second, page)
    credit.refresh_from_db()
    assert (credit.state, credit.decided_by) == ("approved", "staff:second@shelfwise.example")
    assert second.get(page).status_code == 404


def test_a_credit_is_declined_with_a_reason(console: Client, paying: Environment) -> None:
    credit = Credit.objects.create(
        tenant=paying.tenant, key="k", amount_minor=5, currency="EUR", reason="x", asked_by="a"
    )
    do(console, f"/billing/credit/{credit.pk}/deeds/decline/")
    credit.refresh_from_db()
    assert (credit.state, credit.decision) == ("declined", WHY)


def test_a_plan_is_changed_and_a_contract_made_of_it(console: Client, database: None) -> None:
    form = {
        "name": "Starter",
        "currency": "eur",
        "price": "59",
        "included_calls": "120000",
        "tiers": '[{"up_to": null, "unit_amount_decimal": "0.04"}]',
        "quota": "soft",
        "trial_days": "14",
        "trial_calls": "1",
        "rate_per_second": "30",
        "burst": "60",
        "retention_days": "365",
        "training_seconds": "90",
    }
    assert "is changed" in do(console, "/billing/plan/starter/deeds/change/", **form)
    plan = Plan.objects.get(pk="starter")
    assert (plan.price_minor, plan.rate_per_second, plan.currency) == (5_900, 30, "EUR")
    assert audited("plan_saved").before["price_minor"] == 4_900
    do(console, "/billing/plan/starter/deeds/copy/", **form, code="contract-x")
    assert not Plan.objects.get(pk="contract-x").is_offered
    broken = do(console, "/billing/plan/starter/deeds/change/", **{**form, "tiers": "[]"})
    assert "tiers" in broken
    assert Plan.objects.get(pk="starter").tiers != []


def test_a_stripe_event_is_replayed(console: Client, database: None) -> None:
    StripeEvent.objects.create(
        id="evt_1", type="invoice.paid", body="{}", processed_at=timezone.now()
    )
    assert "acted on again" in do(console, "/billing/stripeevent/evt_1/deeds/replay/")
    assert StripeEvent.objects.get(pk="evt_1").processed_at is None
    assert Job.objects.get(kind=APPLY_EVENT_JOB).payload == {"event_id": "evt_1"}
    assert audited("stripe_event_replayed").reason == WHY


def test_stripe_is_told_an_hour_again_and_compared_at_once(
    console: Client, paying: Environment
) -> None:
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=3)
    report = UsageReport.objects.create(
        tenant=paying.tenant, hour=hour, revision=1, units=9, last_call_at=hour, state="rejected"
    )
    do(console, f"/billing/usagereport/{report.pk}/deeds/resend/")
    assert UsageReport.objects.filter(tenant=paying.tenant, revision=2, state="pending").exists()
    do(console, "/billing/usagereport/deeds/reconcile/")
    assert Job.objects.filter(kind=RECONCILE_JOB).exists()


# Work.


def test_dead_letters_are_tried_again_together(console: Client, acorn: Environment) -> None:
    jobs = [failed_job(TRENDS_JOB, acorn), failed_job("billing.tasks.mirror_plans")]
    chosen = {"action": "retry", "_selected_action": [str(job.pk) for job in jobs]}
    answer = console.post("/tenants/job/", chosen)
    where = answer.headers["Location"]
    assert "/tenants/job/deeds/retry/?row=" in where
    do(console, where)
    for job in jobs:
        job.refresh_from_db()
        assert (job.state, job.attempts, job.finished_at) == (Job.State.QUEUED, 0, None)
    assert AuditEvent.objects.filter(action="job_retried", reason=WHY).count() == 2


def test_a_failed_training_begins_anew_and_an_import_is_the_stores(
    console: Client, acorn: Environment
) -> None:
    training, taking_in = failed_job(TRAINING_JOB, acorn), failed_job(IMPORT_JOB, acorn)
    assert "is queued in place of" in do(console, f"/tenants/job/{training.pk}/deeds/retry/")
    training.refresh_from_db()
    assert training.state == Job.State.DROPPED
    assert Job.objects.filter(kind=TRAINING_JOB, state=Job.State.QUEUED).count() == 1
    assert "lay the job aside" in do(console, f"/tenants/job/{taking_in.pk}/deeds/retry/")
    do(console, f"/tenants/job/{taking_in.pk}/deeds/drop/")
    taking_in.refresh_from_db()
    assert taking_in.state == Job.State.DROPPED
    assert console.get(f"/tenants/job/{taking_in.pk}/deeds/retry/").status_code == 404


def test_of_many_rows_those_before_a_refusal_are_done(console: Client, acorn: Environment) -> None:
    first, second = failed_job(TRENDS_JOB, acorn), failed_job(IMPORT_JOB, acorn)
    text = do(console, f"/tenants/job/deeds/retry/?row={first.pk}&row={second.pk}")
    assert f"Job {first.pk} is queued again." in text
    assert "lay the job aside" in text
    second.refresh_from_db()
    assert second.state == Job.State.FAILED


def test_a_key_is_revoked(console: Client, acorn: Environment) -> None:
    make_key(acorn)
    key = ApiKey.objects.filter(environment=acorn, revoked_at=None).latest("created_at")
    assert "is revoked" in do(console, f"/tenants/apikey/{key.pk}/deeds/revoke/")
    key.refresh_from_db()
    assert key.revoked_at is not None
    assert audited("api_key_revoked").reason == WHY


def test_a_webhook_message_is_sent_again(console: Client, acorn: Environment) -> None:
    now = timezone.now()
    webhook = Webhook.objects.create(
        id=new_ulid(), environment=acorn, url="https://acorn.example", events=[], created_at=now
    )
    message = WebhookDelivery.objects.create(
        id=new_ulid(),
        webhook=webhook,
        type="model.promoted",
        payload="{}",
        created_at=now,
        state=WebhookDelivery.State.FAILED,
        attempts=10,
    )
    page = f"/tenants/webhookdelivery/{message.pk}/deeds/resend/"
    assert "is sent again now" in do(console, page)
    message.refresh_from_db()
    assert message.state == WebhookDelivery.State.PENDING
    assert Job.objects.filter(payload__delivery_id=message.pk).exists()
    assert console.get(page).status_code == 404
