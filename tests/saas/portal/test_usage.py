"""What a store uses and pays: the period, the cap, the plans and the invoices, by role."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.test import Client

from billing.models.adjustment import UsageAdjustment
from billing.models.plan import Plan
from billing.models.subscription import Subscription
from billing.models.usage import UsageBucket, UsageLedger, UsageShipper
from billing.services.apply_entitlement import apply_entitlement
from billing.services.assign_plan import assign_plan
from billing.services.close_hours import close_hours
from billing.services.mirror_plans import mirror_plans
from billing.services.send_usage_reports import send_usage_reports
from billing.stripe_gateway import gateway
from saas.lib.config import config
from saas.lib.ids import make_ulid
from tenants.context import on_platform
from tenants.models.audit_event import AuditEvent
from tenants.models.environment import Environment
from tenants.models.tenant import Entitlement
from tenants.services.suspend_tenant import suspend_tenant
from tests.billing.stripe_customer import subscribe
from tests.billing.stripe_server import Account, new_account, running_stripe
from tests.people import visitor
from tests.saas.portal.deeds import answer_calls, questions


@pytest.fixture
def client(acorn: Environment) -> Client:
    return visitor(acorn.tenant)


@pytest.fixture(scope="module")
def stripe_server() -> Iterator[Any]:
    with running_stripe() as server:
        yield server


@pytest.fixture
def stripe(stripe_server: Any, database: None, monkeypatch: Any) -> Iterator[Account]:
    """A Stripe of the test's own."""
    with new_account(*stripe_server) as account:
        monkeypatch.setenv("SHELFWISE_LOCAL_STRIPE_URL", account.address)
        monkeypatch.setattr("billing.services.send_usage_reports.PACE_SECONDS", 0)
        account.post_switches(meter_event_seconds=0)
        _forget()
        yield account
    monkeypatch.undo()
    _forget()


def _forget() -> None:
    config.cache_clear()
    gateway.cache_clear()


def page_of(client: Client, path: str = "/usage/", **more: Any) -> str:
    answer = client.get(path, **more)
    assert answer.status_code == 200, answer.content.decode()
    return answer.content.decode()


def post(client: Client, path: str, **form: str) -> str:
    """Send a form and return the page that the browser ends at."""
    answer = client.post(path, form, follow=True)
    return answer.content.decode()


def give_plan(environment: Environment, code: str, **more: Any) -> None:
    with on_platform():
        assign_plan(
            tenant_id=environment.tenant_id, plan_code=code, actor="command", reason="A", **more
        )


def test_a_store_without_a_plan_reads_that_nothing_is_charged(client: Client) -> None:
    page = page_of(client)
    assert "This store has no plan" in page
    assert "Spend cap" not in page
    assert "No call in this period yet" in page


def test_the_period_is_shown_with_its_cost_line_by_line(client: Client, acorn: Environment) -> None:
    give_plan(acorn, "starter")
    answer_calls(acorn, calls=100_500)
    page = page_of(client)
    assert '<span class="figure">100,500</span> of 100,000 included' in page
    assert "500 beyond the included ones" in page
    assert "100,000 calls included</th>" in page
    # 0.05 cents a call: 500 calls are 25 cents, 1,000 are 50.
    assert '500 calls at 0.50 EUR per 1,000</th><td class="number">0.25 EUR' in page
    assert '<span class="figure">49.25 EUR</span>' in page


def test_what_staff_took_off_and_what_is_not_charged_are_told_apart(
    client: Client, acorn: Environment
) -> None:
    give_plan(acorn, "starter")
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    with on_platform():
        UsageBucket.objects.create(
            environment_id=acorn.pk, hour=hour, operation=1, calls=50, units=40
        )
        UsageAdjustment.objects.create(
            environment_id=acorn.pk, hour=hour, units=-15, reason="Ours", actor="staff:a"
        )
    page = page_of(client)
    # 40 - 15 are charged, and 50 - 40 never were.
    assert '<span class="figure">25</span>' in page
    assert (
        '<td class="number" data-value="25">25</td><td class="number" data-value="10">10</td>'
        in page
    )


def test_the_lag_is_said(client: Client) -> None:
    with on_platform():
        UsageShipper.objects.create(
            host="far", shipped_up_to=datetime.now(UTC) - timedelta(seconds=90)
        )
    assert "UTC are counted, 9" in page_of(client)


@pytest.mark.parametrize(
    ("role", "status", "may_change"),
    [
        ("owner", 200, True),
        ("finance", 200, True),
        ("admin", 200, False),
        ("analyst", 403, False),
        ("developer", 403, False),
    ],
)
def test_owner_and_finance_change_and_admins_look(
    acorn: Environment, role: str, status: int, *, may_change: bool
) -> None:
    give_plan(acorn, "starter")
    client = visitor(acorn.tenant, role)
    answer = client.get("/usage/")
    assert answer.status_code == status
    assert ("Save the cap" in answer.content.decode()) is may_change
    assert ("Choose<span" in answer.content.decode()) is may_change
    forms = ("plan", "cap", "cancel", "stripe")
    if not may_change:
        assert {client.post(f"/usage/{form}/").status_code for form in forms} == {403}


def test_the_cap_is_set_lifted_and_audited(client: Client, acorn: Environment) -> None:
    give_plan(acorn, "starter")
    page = post(client, "/usage/cap/", amount="120.50")
    assert "The spend cap is 120.50 EUR a period." in page
    assert 'value="120.50"' in page
    assert "The spend cap is lifted." in post(client, "/usage/cap/", amount="")
    with on_platform():
        deeds = AuditEvent.objects.filter(tenant=acorn.tenant_id, action="spend_cap_changed")
        assert [deed.after for deed in deeds.order_by("pk")] == [
            {"spend_cap": "120.50"},
            {"spend_cap": None},
        ]
        assert {deed.actor for deed in deeds} == {f"person:owner@{acorn.tenant.slug}.example"}


@pytest.mark.parametrize("amount", ["abc", "-1", "NaN", "1e30", "1.001", '"><script>'])
def test_a_bad_cap_is_refused_beside_its_field(
    client: Client, acorn: Environment, amount: str
) -> None:
    give_plan(acorn, "starter")
    answer = client.post("/usage/cap/", {"amount": amount})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert 'aria-invalid="true"' in page
    assert "<script>" not in page.partition("<main")[2]
    with on_platform():
        assert Subscription.objects.get(pk=acorn.tenant_id).spend_cap_minor is None


def test_buying_leads_to_checkout_without_a_redirect_that_the_policy_forbids(
    stripe: Account, client: Client, acorn: Environment
) -> None:
    mirror_plans()
    answer = client.post("/usage/plan/", {"plan": "starter"})
    page = answer.content.decode()
    assert answer.status_code == 200
    assert f'content="0; url={stripe.address}/checkout/cs_test_' in page
    assert f'<a href="{stripe.address}/checkout/cs_test_' in page


def test_a_plan_that_is_not_on_offer_is_refused_in_words(client: Client) -> None:
    assert "There is no plan &#x27;gold&#x27; on offer." in post(
        client, "/usage/plan/", plan="gold"
    )


def test_a_bought_plan_is_changed_cancelled_and_resumed(
    stripe: Account, client: Client, acorn: Environment
) -> None:
    subscribe(acorn, stripe)
    assert "Change to<span" in page_of(client)
    assert "The plan is changed" in post(client, "/usage/plan/", plan="growth")
    assert "The plan changes with the next period" in post(client, "/usage/plan/", plan="free")
    page = post(client, "/usage/cancel/")
    assert "can be resumed until then" in page
    assert "Resume the plan" in page
    assert "The plan goes on." in post(client, "/usage/cancel/", resume="1")


def test_stripes_pages_are_a_click_away(stripe: Account, client: Client) -> None:
    page = post(client, "/usage/stripe/")
    assert f'<a href="{stripe.address}/' in page


def test_an_invoice_is_explained_line_by_line_down_to_its_hours(
    stripe: Account, client: Client, acorn: Environment
) -> None:
    customer = subscribe(acorn, stripe)
    start = customer.row.current_period_start.replace(minute=0, second=0, microsecond=0)
    hours = [start + timedelta(hours=number) for number in (1, 2)]
    for hour in hours:
        customer.use(hour, 60_000)
    later = hours[-1] + timedelta(hours=2)
    stripe.move_clock(4 * 3_600)
    close_hours(now=later)
    send_usage_reports(now=lambda: later)
    customer.end_period()

    newest, *_ = re.findall(r"/usage/invoices/([^/]+)/", page_of(client, "/usage/invoices/"))
    page = page_of(client, f"/usage/invoices/{newest}/")
    # 49.00, and 20,000 calls of 0.05 cents.
    assert "<dt>Total</dt><dd>59.00 EUR</dd>" in page
    assert "<dt>Due</dt><dd>0.00 EUR</dd>" in page
    assert "<strong>0.00 EUR</strong> for 100,000 calls" in page
    assert "<strong>10.00 EUR</strong> for 20,000 calls" in page
    named = [f"{hour:%Y-%m-%dT%H}" for hour in hours]
    assert re.findall(r"/usage/hours/([^/]+)/", page) == [*named, named[1]]
    assert "that is our fault" not in page


def test_an_hour_is_explained_by_its_calls(client: Client, acorn: Environment) -> None:
    call = make_ulid()
    with on_platform():
        UsageLedger.objects.create(
            call_id=UUID(bytes=call.packed),
            at=datetime.fromtimestamp(call.epoch_ms / 1000, UTC),
            environment_id=acorn.pk,
            source_id=1,
            units=1,
            operation=2,
            flags=1,
        )
    hour = datetime.fromtimestamp(call.epoch_ms / 1000, UTC)
    page = page_of(client, f"/usage/hours/{hour:%Y-%m-%dT%H}/")
    assert call.text in page
    assert "<td>similar</td>" in page


def test_the_invoices_are_a_page_and_a_part_and_say_when_stripe_is_away(
    client: Client, acorn: Environment
) -> None:
    assert "No invoice yet" in page_of(client, "/usage/invoices/")
    part = page_of(client, "/usage/invoices/", headers={"HX-Request": "true"})
    assert "<h1>" not in part
    give_plan(acorn, "starter")
    with on_platform():
        Subscription.objects.filter(pk=acorn.tenant_id).update(stripe_customer_id="cus_gone")
    assert "Billing is not set up here" in page_of(client, "/usage/invoices/")


@pytest.mark.parametrize("path", ["/usage/hours/yesterday/", "/usage/invoices/in_of_another/"])
def test_what_there_is_not_is_404(client: Client, stripe: Account, path: str) -> None:
    assert client.get(path).status_code == 404


def test_an_hour_goes_on_at_its_next_page_and_refuses_what_is_no_id(client: Client) -> None:
    answer = client.get("/usage/hours/2026-11-03T09/?after=x")
    assert answer.status_code == 400
    assert "No charged call of this hour is kept" in page_of(client, "/usage/hours/2026-11-03T09/")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"access": "reads", "state": "unpaid"}, "not paid after several attempts"),
        ({"call_limit": 0, "limited_by": "quota"}, "the included calls are used up"),
    ],
)
def test_the_state_is_said_with_what_to_do(
    client: Client, acorn: Environment, change: dict[str, Any], said: str
) -> None:
    give_plan(acorn, "starter")
    with on_platform():
        Entitlement.objects.filter(pk=acorn.tenant_id).update(**change)
    assert said in page_of(client)


@pytest.mark.parametrize(("calls", "is_over"), [(109, False), (110, True)])
def test_what_staff_took_off_is_no_call_of_the_limit(
    client: Client, acorn: Environment, calls: int, *, is_over: bool
) -> None:
    give_plan(acorn, "free")
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    with on_platform():
        Plan.objects.filter(pk="free").update(included_calls=100)
        UsageAdjustment.objects.create(
            environment_id=acorn.pk, hour=hour, units=-10, reason="Ours", actor="staff:a"
        )
        apply_entitlement(tenant_id=acorn.tenant_id)
    answer_calls(acorn, calls=calls)
    assert ("the included calls are used up" in page_of(client)) is is_over
    assert ("period&#x27;s calls are used up" in page_of(client, "/live/")) is is_over


def test_a_suspended_store_still_finds_its_invoices(client: Client, acorn: Environment) -> None:
    suspend_tenant(slug=acorn.tenant.slug, actor="staff:a@b.example", reason="abuse")
    page = page_of(client)
    assert "Our staff have suspended this store" in page
    assert "/usage/invoices/" in page


def test_the_page_asks_the_database_as_often_whatever_there_is(
    client: Client, acorn: Environment
) -> None:
    give_plan(acorn, "starter")
    for days in range(5):
        answer_calls(acorn, calls=10, days_ago=days)
    page_of(client)
    with questions() as asked:
        page_of(client)
    assert len(asked) == 18, "\n".join(asked)
