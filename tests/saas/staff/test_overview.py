"""The first page and the lists: what they say, and that no store more costs a query more."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.formats import date_format

from billing.models.invoice_record import InvoiceRecord
from billing.models.stripe_event import StripeEvent
from billing.models.usage import UsageBucket
from billing.models.usage_report import UsageReport
from saas.lib.ids import new_ulid
from tenants.models.audit_event import AuditEvent
from tenants.models.environment import Environment
from tenants.models.job import Job
from tenants.models.roll_up import EnvironmentDay, TrainingRecord
from tenants.models.tenant import Entitlement, Tenant

TODAY = datetime.now(UTC).date()


def a_day(environment: Environment, **known: Any) -> None:
    EnvironmentDay.objects.update_or_create(
        environment=environment,
        day=TODAY,
        defaults={"measured_at": timezone.now(), **known},
    )


def a_training(environment: Environment, status: str = "completed") -> None:
    TrainingRecord.objects.create(
        run_id=new_ulid(),
        environment=environment,
        kind="training",
        status=status,
        created_at=timezone.now(),
        finished_at=timezone.now(),
        seconds=12.5,
        error="It has no events." if status == "failed" else "",
    )


def queries(client: Client, page: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(page).status_code == 200
    return len(captured)


def text_of(client: Client, page: str = "/") -> str:
    return " ".join(client.get(page).content.decode().split())


def test_the_overview_tells_calls_trainings_and_who_needs_a_look(
    console: Client, acorn: Environment, birch: Environment
) -> None:
    a_day(acorn, calls=1_234, fallbacks=617, events=77, items=3, ndcg=0.2, popular_ndcg=0.1)
    EnvironmentDay.objects.filter(environment=acorn).update(newest_event_at=timezone.now())
    a_day(birch, items=5, newest_event_at=timezone.now() - timedelta(days=9))
    a_training(acorn)
    a_training(birch, "failed")
    text = text_of(console)
    assert "1,234" in text
    assert "50.0%" in text
    assert "of 2 that ended (50%)" in text
    assert "The last training failed." in text
    assert "Acorn Books" not in text
    assert f'<th scope="row">{TODAY}</th><td class="number" data-value="1234">1,234</td>' in text
    assert 'data-y="Share of calls, %"' in text


def test_an_empty_platform_says_so(console: Client, database: None) -> None:
    EnvironmentDay.objects.all().delete()
    TrainingRecord.objects.all().delete()
    text = text_of(console)
    for sentence in ("No call in 30 days.", "No event counted in 30", "No training in 30 days."):
        assert sentence in text


def test_dead_letters_and_hours_that_wait_stand_out(console: Client, acorn: Environment) -> None:
    Job.objects.create(
        kind="engine.tasks.x", state="failed", run_after=timezone.now(), finished_at=timezone.now()
    )
    UsageReport.objects.create(
        tenant=acorn.tenant,
        hour=timezone.now(),
        revision=1,
        units=1,
        last_call_at=timezone.now(),
        created_at=timezone.now() - timedelta(hours=5),
        drift_rounds=2,
        drift_units=-4,
    )
    text = text_of(console)
    assert "300 min" in text
    assert text.count('class="bad"') == 2
    assert "Stripe counts something else for 1 store." in text_of(console, "/billing/usagereport/")
    drifting = text_of(console, "/billing/usagereport/?drift=yes")
    assert "-4" in drifting


def fill(environment: Environment, count: int) -> None:
    """Add rows of each kind, each of another store where the kind allows it."""
    now = timezone.now()
    for number in range(count):
        tenant = Tenant.objects.create(name=f"Store {new_ulid()}", slug=new_ulid().lower())
        Entitlement.objects.create(tenant=tenant, training_seconds=1)
        live = Environment.objects.create(
            tenant=tenant, kind="live", schema_name=new_ulid().lower(), role_name=new_ulid().lower()
        )
        a_day(live, calls=5, items=1, newest_event_at=now)
        a_training(live, "failed")
        Job.objects.create(kind="k", environment=live, run_after=now)
        UsageBucket.objects.create(environment_id=live.pk, hour=now, operation=1, calls=1, units=1)
        UsageReport.objects.create(
            tenant=tenant, hour=now, revision=1, units=number, last_call_at=now
        )
        StripeEvent.objects.create(id=new_ulid(), type="invoice.paid", body="{}")
        InvoiceRecord.objects.create(
            id=new_ulid(),
            tenant=tenant,
            status="paid",
            currency="EUR",
            total_minor=number,
            due_minor=number,
            period_start=now,
            period_end=now,
            created_at=now,
        )
        AuditEvent.objects.create(tenant=tenant, actor="command", action="x", object="y")


def test_schemas_say_what_a_vacuum_would_take_away(console: Client, acorn: Environment) -> None:
    at = datetime(2026, 11, 2, 3, 4, tzinfo=UTC)
    a_day(acorn, schema_bytes=2**20, dead_rows=12_345, vacuumed_at=at, analysed_at=None)
    for page in ("/tenants/environment/", f"/tenants/environment/{acorn.pk}/change/"):
        text = text_of(console, page)
        for shown in ("1.0 MB", "12,345", date_format(at, "DATETIME_FORMAT")):
            assert shown in text


@pytest.mark.parametrize(
    ("page", "most"),
    [
        ("/", 18),
        ("/tenants/tenant/", 7),
        ("/tenants/environment/", 7),
        ("/tenants/trainingrecord/", 7),
        ("/tenants/job/", 6),
        ("/tenants/auditevent/", 6),
        ("/billing/usagebucket/", 6),
        ("/billing/usagereport/", 9),
        ("/billing/stripeevent/", 6),
        ("/billing/invoicerecord/", 7),
    ],
)
def test_more_stores_cost_no_more_queries(
    console: Client, acorn: Environment, page: str, most: int
) -> None:
    fill(acorn, 1)
    few = queries(console, page)
    fill(acorn, 6)
    assert queries(console, page) == few
    assert few <= most


def test_a_stores_page_asks_as_much_for_each_store(console: Client, acorn: Environment) -> None:
    page = f"/tenants/tenant/{acorn.tenant_id}/change/"
    few = queries(console, page)
    fill(acorn, 3)
    assert queries(console, page) == few
    assert few <= 24


def test_a_stores_page_leads_to_what_is_its_own(
    console: Client, acorn: Environment, birch: Environment
) -> None:
    for store in (acorn, birch):
        AuditEvent.objects.create(
            tenant=store.tenant, actor="command", action="x", object=f"of {store.tenant.slug}"
        )
    page = text_of(console, f"/tenants/tenant/{acorn.tenant_id}/change/")
    links = re.findall(r'<a href="([^"]+)">', page[page.index("More of this store") :])[:8]
    assert len(links) == 8
    texts = [text_of(console, link.replace("&amp;", "&")) for link in links]
    assert all("Shelfwise staff" in text for text in texts)
    assert "of acorn-books" in texts[-1]
    assert "of birch-shoes" not in texts[-1]


def test_no_page_enters_a_stores_schema(console: Client, acorn: Environment) -> None:
    pages = (
        "/",
        "/tenants/tenant/",
        "/tenants/environment/",
        f"/tenants/tenant/{acorn.tenant_id}/change/",
    )
    for page in pages:
        with CaptureQueriesContext(connection) as captured:
            console.get(page)
        assert not [each for each in captured if "SET LOCAL ROLE" in each["sql"]], page
