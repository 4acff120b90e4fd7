"""The lives of subscriptions at the local Stripe, over months of a test clock."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import stripe

from tests.billing.stripe_server import Account

DAY, HOUR = 86_400, 3_600
ANCHOR: Any = {"day_of_month": 1, "hour": 0, "minute": 0, "second": 0}


def seconds(*parts: int) -> int:
    return int(datetime(*parts, tzinfo=UTC).timestamp())  # type: ignore[arg-type,misc]


class Life:
    """A customer on a test clock, with a meter and both prices."""

    def __init__(self, account: Account, *, begins: int, card: str = "pm_card_visa") -> None:
        self.account = account
        self.clock = account.client.v1.test_helpers.test_clocks.create({"frozen_time": begins}).id
        self.meter = account.make_meter().id
        self.flat, self.metered = account.make_prices(self.meter)
        self.customer = account.make_customer(card=card, test_clock=self.clock)

    def subscribe(self, **fields: Any) -> Any:
        return self.account.client.v1.subscriptions.create(
            {
                "customer": self.customer,
                "items": [{"price": self.flat}, {"price": self.metered}],
                "billing_cycle_anchor_config": ANCHOR,
                **fields,
            }
        )

    def go_to(self, at: int) -> None:
        self.account.client.v1.test_helpers.test_clocks.advance(self.clock, {"frozen_time": at})

    def subscription(self) -> Any:
        (found,) = self.account.client.v1.subscriptions.list(
            {"customer": self.customer, "status": "all"}
        ).data
        return found

    def invoices(self) -> list[Any]:
        found = self.account.client.v1.invoices.list({"customer": self.customer, "limit": 100})
        return list(found.data[::-1])

    def events(self) -> list[str]:
        found = self.account.client.v1.events.list({"limit": 100})
        return [event.type for event in found.data[::-1]]


def test_the_first_month_is_prorated_to_the_anchor(account: Account) -> None:
    life = Life(account, begins=seconds(2026, 4, 16))
    subscription = life.subscribe()

    (item, _) = subscription["items"]["data"]
    assert item.current_period_end == seconds(2026, 5, 1)
    assert subscription.status == "active"
    (invoice,) = life.invoices()
    # 15 of April's 30 days.
    assert (invoice.status, invoice.total) == ("paid", 4_900 // 2)


def test_usage_is_charged_by_tier_when_its_period_is_invoiced(account: Account) -> None:
    life = Life(account, begins=seconds(2026, 4, 1))
    life.subscribe()
    life.account.report(life.customer, 303, timestamp=seconds(2026, 4, 1, 0, 1))
    life.go_to(seconds(2026, 5, 1))
    draft = life.invoices()[-1]
    # It arrives within the hour of grace.
    life.account.report(life.customer, 10, timestamp=seconds(2026, 4, 30, 23, 59))
    life.go_to(seconds(2026, 5, 1, 1))

    assert draft.status == "draft"
    invoice = life.invoices()[-1]
    # 100 are free; 213 at half a cent are 106.5, rounded up; and May costs 4900.
    assert [line.amount for line in invoice.lines.data] == [0, 107, 4_900]
    assert (invoice.status, invoice.total) == ("paid", 5_007)


def test_each_call_is_on_one_months_invoice(account: Account) -> None:
    """I12."""
    life = Life(account, begins=seconds(2026, 4, 1))
    life.subscribe()
    months = seconds(2026, 5, 1), seconds(2026, 6, 1)
    for month, units in zip(months, (301, 502), strict=True):
        life.go_to(month + 60)
        life.account.report(life.customer, units, timestamp=month - 1)
        life.account.report(life.customer, 100, timestamp=month)
        life.go_to(month + HOUR)

    _, april, may = life.invoices()
    # Half a cent each beyond 100; May's are the 100 of its first second and the 502 of its last.
    assert april.total - 4_900 == 101
    assert may.total - 4_900 == (100 + 502 - 100) // 2


def test_the_preview_says_what_the_invoice_will_say(account: Account) -> None:
    life = Life(account, begins=seconds(2026, 4, 1))
    life.subscribe()
    life.account.report(life.customer, 303, timestamp=seconds(2026, 4, 1, 0, 1))
    life.go_to(seconds(2026, 4, 20))
    preview = account.client.v1.invoices.create_preview({"customer": life.customer})
    life.go_to(seconds(2026, 5, 1, 1))

    assert preview.total == life.invoices()[-1].total == 102 + 4_900


def test_a_trial_is_announced_ends_and_is_charged_then(account: Account) -> None:
    life = Life(account, begins=seconds(2026, 4, 1))
    assert life.subscribe(trial_period_days=14).status == "trialing"
    life.account.report(life.customer, 400, timestamp=seconds(2026, 4, 1, 0, 1))
    life.go_to(seconds(2026, 4, 12))
    assert "customer.subscription.trial_will_end" in life.events()
    life.go_to(seconds(2026, 4, 15, 1))

    assert life.subscription().status == "active"
    first, second = life.invoices()
    assert first.total == 0
    # 16 of 30 days, and nothing for the trial's calls.
    assert second.total == round(4_900 * 16 / 30)


def test_a_card_that_fails_leads_over_past_due_to_unpaid_and_back(account: Account) -> None:
    life = Life(account, begins=seconds(2026, 4, 1))
    life.subscribe()
    settings: dict[str, str] = {"default_payment_method": "pm_card_chargeCustomerFail"}
    account.client.v1.customers.update(life.customer, {"invoice_settings": settings})
    life.go_to(seconds(2026, 5, 1, 1))
    assert life.subscription().status == "past_due"
    life.go_to(seconds(2026, 5, 1, 1) + 15 * DAY)
    assert life.subscription().status == "unpaid"
    assert life.events().count("invoice.payment_failed") == 4

    settings = {"default_payment_method": "pm_card_visa"}
    account.client.v1.customers.update(life.customer, {"invoice_settings": settings})
    account.client.v1.invoices.pay(life.invoices()[-1].id)

    assert life.subscription().status == "active"


def test_a_first_invoice_that_stays_unpaid_ends_the_subscription(account: Account) -> None:
    life = Life(account, begins=seconds(2026, 4, 1), card="pm_card_chargeCustomerFail")
    assert life.subscribe().status == "incomplete"

    life.go_to(seconds(2026, 4, 2))

    assert life.subscription().status == "incomplete_expired"


def test_a_cancelled_subscription_ends_with_its_period_and_bills_its_usage(
    account: Account,
) -> None:
    life = Life(account, begins=seconds(2026, 4, 1))
    subscription = life.subscribe()
    account.client.v1.subscriptions.update(subscription.id, {"cancel_at_period_end": True})
    life.account.report(life.customer, 300, timestamp=seconds(2026, 4, 1, 0, 1))
    life.go_to(seconds(2026, 5, 1, 1))

    assert life.subscription().status == "canceled"
    assert life.invoices()[-1].total == 100
    assert life.events().count("customer.subscription.deleted") == 1


def test_a_larger_plan_is_charged_by_the_second(account: Account) -> None:
    life = Life(account, begins=seconds(2026, 4, 1))
    subscription = life.subscribe()
    product = account.client.v1.products.create({"name": "Growth"}).id
    growth = account.client.v1.prices.create(
        {
            "product": product,
            "currency": "eur",
            "unit_amount": 29_900,
            "recurring": {"interval": "month"},
        }
    )
    life.go_to(seconds(2026, 4, 16))
    account.client.v1.subscriptions.update(
        subscription.id,
        {
            "items": [{"id": subscription["items"]["data"][0].id, "price": growth.id}],
            "proration_behavior": "always_invoice",
        },
    )

    assert life.invoices()[-1].total == (29_900 - 4_900) // 2
    life.go_to(seconds(2026, 5, 1, 1))
    assert life.invoices()[-1].total == 29_900


def test_a_schedule_changes_the_plan_with_the_next_period(account: Account) -> None:
    life = Life(account, begins=seconds(2026, 4, 1))
    subscription = life.subscribe()
    small = account.client.v1.prices.create(
        {
            "product": account.client.v1.products.create({"name": "Small"}).id,
            "currency": "eur",
            "unit_amount": 900,
            "recurring": {"interval": "month"},
        }
    )
    schedules = account.client.v1.subscription_schedules
    schedule = schedules.create({"from_subscription": subscription.id})
    items: Any = [{"price": life.flat}, {"price": life.metered}]
    then: Any = [{"price": small.id}, {"price": life.metered}]
    schedules.update(
        schedule.id,
        {
            "end_behavior": "release",
            "phases": [
                {
                    "items": items,
                    "start_date": seconds(2026, 4, 1),
                    "end_date": seconds(2026, 5, 1),
                },
                {"items": then},
            ],
        },
    )
    life.go_to(seconds(2026, 5, 1, 1))

    assert life.invoices()[-1].total == 900
    assert life.subscription().schedule is None


def test_credit_pays_metered_lines_alone_when_they_are_invoiced(account: Account) -> None:
    life = Life(account, begins=seconds(2026, 4, 1))
    life.subscribe()
    account.client.v1.billing.credit_grants.create(
        {
            "customer": life.customer,
            "amount": {"type": "monetary", "monetary": {"currency": "eur", "value": 150}},
            "applicability_config": {"scope": {"price_type": "metered"}},
            "category": "promotional",
        }
    )
    life.account.report(life.customer, 300, timestamp=seconds(2026, 4, 1, 0, 1))
    life.go_to(seconds(2026, 5, 1, 1))
    life.account.report(life.customer, 300, timestamp=seconds(2026, 5, 1, 0, 1))
    life.go_to(seconds(2026, 6, 1, 1))

    # Of 150, the first month takes 100 and the second the remaining 50.
    assert [each.total for each in life.invoices()] == [4_900, 4_900, 4_900 + 50]


def test_checkout_and_portal_are_pages_to_click(account: Account) -> None:
    flat, metered = account.make_prices(account.make_meter().id)
    customer = account.make_customer(card="")
    session = account.client.v1.checkout.sessions.create(
        {
            "mode": "subscription",
            "customer": customer,
            "line_items": [{"price": flat, "quantity": 1}, {"price": metered}],
            "subscription_data": {"billing_cycle_anchor_config": ANCHOR},
            "success_url": "http://portal.example/done?session={CHECKOUT_SESSION_ID}",
        }
    )
    portal = account.client.v1.billing_portal.sessions.create(
        {"customer": customer, "return_url": "http://portal.example/"}
    )
    with httpx.Client(trust_env=False) as browser:
        shown = browser.get(session.url or "")
        declined = browser.post(session.url or "", data={"button": "fail"})
        paid = browser.post(session.url or "", data={"button": "pay"})
        again = browser.post(session.url or "", data={"button": "pay"})
        cancelled = browser.post(portal.url, data={"button": "cancel"})
        back = browser.post(portal.url, data={"button": "return"})
        overview = browser.get(account.address)

    assert "49.00 EUR" in shown.text
    assert "declined" in declined.text
    assert paid.headers["location"] == f"http://portal.example/done?session={session.id}"
    assert again.status_code == 303
    (subscription,) = account.client.v1.subscriptions.list({"customer": customer}).data
    assert subscription.status == "active"
    assert subscription.cancel_at_period_end
    assert "ends with its period" in cancelled.text
    assert back.headers["location"] == "http://portal.example/"
    assert session.id in overview.text
    assert "customer.subscription.created" in overview.text


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"recurring": {"interval": "month", "usage_type": "metered"}}, "recurring[meter]"),
        ({"billing_scheme": "tiered", "tiers_mode": "graduated", "tiers": []}, "tiers"),
        ({"currency": "EUR"}, "currency"),
    ],
)
def test_a_price_that_cannot_be_is_refused(account: Account, fields: Any, param: str) -> None:
    product = account.client.v1.products.create({"name": "x"}).id
    sent = {"product": product, "currency": "eur", "unit_amount": 1, **fields}

    with pytest.raises(stripe.InvalidRequestError) as error:
        account.client.v1.prices.create({"recurring": {"interval": "month"}, **sent})

    assert error.value.param == param
