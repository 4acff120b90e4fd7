"""Plans, customers and subscriptions at Stripe, and what a store may do because of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from billing.models.plan import Plan
from billing.models.subscription import Subscription
from billing.selectors.invoices import invoices, preview_invoice
from billing.services.change_subscription import change_subscription, set_cancellation
from billing.services.ensure_stripe_customer import ensure_stripe_customer
from billing.services.mirror_plans import mirror_plans
from billing.services.start_checkout import open_billing_portal, start_checkout
from billing.services.sync_subscription import sync_subscription
from saas.lib.errors import BillingUnavailable, Conflict, NotFound
from tenants.models.environment import Environment
from tenants.models.tenant import Entitlement
from tests.billing.stripe_server import Account

OWNER = "person:olive@acorn-books.example"
PAGES: Any = {"success_url": "http://portal.example/", "cancel_url": "http://portal.example/"}


def counts(stripe: Account) -> dict[str, int]:
    return {kind: len(stripe.world.all(kind)) for kind in ("product", "price", "billing.meter")}


def test_each_plan_on_offer_gets_a_product_and_two_prices(stripe: Account) -> None:
    assert mirror_plans() == 3

    assert counts(stripe) == {"product": 3, "price": 6, "billing.meter": 1}
    (meter,) = stripe.world.all("billing.meter").values()
    assert meter["event_time_window"] == "hour"
    growth = stripe.world.get("price", Plan.objects.get(pk="growth").stripe_metered_price_id)
    assert growth["tiers"] == [
        {"up_to": 1_000_000, "unit_amount_decimal": "0"},
        {"up_to": 5_000_000, "unit_amount_decimal": "0.03"},
        {"up_to": None, "unit_amount_decimal": "0.02"},
    ]


def test_mirroring_again_makes_nothing_even_when_our_rows_and_stripes_keys_are_lost(
    stripe: Account,
) -> None:
    mirror_plans()
    before = counts(stripe)
    assert mirror_plans() == 0
    Plan.objects.update(stripe_product_id="", stripe_flat_price_id="", stripe_metered_price_id="")
    stripe.world.replays.clear()

    assert mirror_plans() == 3
    assert counts(stripe) == before


def test_a_plan_with_another_amount_gets_another_price(stripe: Account) -> None:
    mirror_plans()
    before = Plan.objects.get(pk="starter")
    Plan.objects.filter(pk="starter").update(price_minor=5_900)

    assert mirror_plans() == 1
    after = Plan.objects.get(pk="starter")
    assert after.stripe_flat_price_id != before.stripe_flat_price_id
    assert after.stripe_metered_price_id == before.stripe_metered_price_id


@pytest.mark.parametrize("fault", ["drop_after", "drop_before", "500", "429"])
def test_a_store_gets_one_customer_whatever_happens_on_the_way(
    stripe: Account, acorn: Environment, fault: Any
) -> None:
    stripe.post_switches(faults=[fault])

    first = ensure_stripe_customer(tenant_id=acorn.tenant_id)
    # As after a crash before our commit.
    Subscription.objects.filter(pk=acorn.tenant_id).update(stripe_customer_id="")

    assert ensure_stripe_customer(tenant_id=acorn.tenant_id) == first
    (customer,) = stripe.world.all("customer").values()
    assert customer["metadata"] == {"tenant": str(acorn.tenant_id)}


def test_a_stripe_that_stays_away_is_said_to_be(stripe: Account, acorn: Environment) -> None:
    stripe.post_switches(faults=["503"] * 3)

    with pytest.raises(BillingUnavailable):
        ensure_stripe_customer(tenant_id=acorn.tenant_id)


def test_a_store_buys_a_plan_and_may_do_more(
    subscribe: Callable[..., Any], acorn: Environment
) -> None:
    row = subscribe(acorn, plan="growth").row

    assert (row.plan_id, row.state) == ("growth", "active")
    entitlement = Entitlement.objects.get(pk=acorn.tenant_id)
    assert (entitlement.plan, entitlement.rate_per_second) == ("growth", 100)
    # All periods end with a month, in UTC.
    assert row.current_period_end.strftime("%d %H:%M:%S") == "01 00:00:00"


def test_a_first_plan_begins_with_a_trial_and_a_second_one_does_not(
    subscribe: Callable[..., Any], acorn: Environment
) -> None:
    customer = subscribe(acorn, days=14)
    assert customer.row.state == "trialing"
    customer.stripe.client.v1.subscriptions.cancel(customer.row.stripe_subscription_id)
    assert customer.sync().state == "canceled"

    assert subscribe(acorn, days=14).row.state == "active"


def test_who_has_a_subscription_buys_no_second_one(acorn_customer: Any) -> None:
    with pytest.raises(Conflict):
        start_checkout(tenant_id=acorn_customer.tenant_id, plan_code="growth", **PAGES)


@pytest.mark.parametrize("plan", ["enterprise", "no-plan"])
def test_only_plans_on_offer_are_sold(stripe: Account, acorn: Environment, plan: str) -> None:
    with pytest.raises(NotFound):
        start_checkout(tenant_id=acorn.tenant_id, plan_code=plan, **PAGES)


def test_the_portal_cancels_with_the_period(acorn_customer: Any) -> None:
    url = open_billing_portal(
        tenant_id=acorn_customer.tenant_id, return_url="http://portal.example/"
    )
    acorn_customer.stripe.press(url, "cancel")
    assert acorn_customer.sync().cancel_at_period_end
    acorn_customer.stripe.press(url, "resume")
    assert not acorn_customer.sync().cancel_at_period_end


def test_a_larger_plan_counts_at_once_and_a_smaller_one_with_the_next_period(
    acorn_customer: Any,
) -> None:
    tenant_id = acorn_customer.tenant_id
    change_subscription(tenant_id=tenant_id, plan_code="growth", actor=OWNER)
    assert acorn_customer.row.plan_id == "growth"

    change_subscription(tenant_id=tenant_id, plan_code="starter", actor=OWNER)
    row = acorn_customer.row
    assert (row.plan_id, row.next_plan_id) == ("growth", "starter")
    row = acorn_customer.end_period()
    assert (row.plan_id, row.next_plan_id) == ("starter", None)


def test_a_store_takes_its_cancellation_back(acorn_customer: Any) -> None:
    set_cancellation(tenant_id=acorn_customer.tenant_id, is_wanted=True, actor=OWNER)
    assert acorn_customer.row.cancel_at_period_end
    set_cancellation(tenant_id=acorn_customer.tenant_id, is_wanted=False, actor=OWNER)
    assert not acorn_customer.row.cancel_at_period_end


def test_a_payment_that_fails_is_dated_by_stripes_invoice(acorn_customer: Any) -> None:
    stripe = acorn_customer.stripe
    stripe.client.v1.customers.update(
        acorn_customer.id,
        {"invoice_settings": {"default_payment_method": "pm_card_chargeCustomerFail"}},
    )
    row = acorn_customer.end_period()

    (invoice,) = stripe.client.v1.invoices.list(
        {"customer": row.stripe_customer_id, "status": "open"}
    )
    assert row.state == "past_due"
    assert row.past_due_since.timestamp() == invoice.created


def test_invoices_and_the_next_ones_preview_are_stripes(acorn_customer: Any) -> None:
    (first,) = invoices(tenant_id=acorn_customer.tenant_id)
    preview = preview_invoice(tenant_id=acorn_customer.tenant_id)

    assert first.status == "paid"
    assert preview.stripe.lines[-1].amount_minor == 4_900


def test_a_customer_that_we_do_not_know_changes_nothing(
    stripe: Account, acorn: Environment
) -> None:

    sync_subscription(customer="cus_of_somebody_else")
