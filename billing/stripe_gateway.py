"""The one door to Stripe: its client with our timeouts and retries, plain values in and out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import cache
from typing import Any

from billing.core.stripe_objects import StripeSubscription, moment, read_subscription
from billing.stripe_connection import BACKOFF_SECONDS, StripeRefusedError
from billing.stripe_invoices import StripeInvoices
from saas.lib.config import config
from saas.lib.errors import BillingUnavailable

METER_EVENT = "recommendation_calls"
_LOCAL_KEY = "sk_test_local"
# All our periods end with the month, in UTC.
_ANCHOR = {"day_of_month": 1, "hour": 0, "minute": 0, "second": 0}


class StripeGateway(StripeInvoices):
    """Stripe, or the local one, as the services see it."""

    def ensure_meter(self) -> str:
        """Return the id of the meter of recommendation calls, made at the first time."""
        meters = self._client.v1.billing.meters
        listed = self._ask(lambda: meters.list({"status": "active", "limit": 100}), "list")
        for meter in listed.auto_paging_iter():
            if meter.event_name == METER_EVENT:
                return meter.id
        made = self._ask(
            lambda: meters.create(
                {
                    "display_name": "Recommendation calls",
                    "event_name": METER_EVENT,
                    "default_aggregation": {"formula": "sum"},
                    # The newest total of an hour replaces the others, so that sending is harmless.
                    "event_time_window": "hour",
                },
                {"idempotency_key": f"meter-{METER_EVENT}"},
            ),
            "billing.meter",
        )
        return made.id

    def ensure_product(self, *, code: str, name: str) -> str:
        """Return the id of a plan's product, which we choose ourselves."""
        products, identifier = self._client.v1.products, f"shelfwise_{code}"
        try:
            made = self._ask(
                lambda: products.create(
                    {"id": identifier, "name": name, "metadata": {"plan": code}},
                    {"idempotency_key": f"product-{identifier}-{name}"},
                ),
                "product",
            )
        except StripeRefusedError as error:
            if error.code != "resource_already_exists":
                raise
            return identifier
        return made.id

    def ensure_price(self, *, lookup_key: str, plan: str, **fields: Any) -> str:
        """Return the id of the price with this lookup key, made of `fields` at the first time."""
        prices = self._client.v1.prices
        found = self._ask(lambda: prices.list({"lookup_keys": [lookup_key]}), "list")
        if found.data:
            return found.data[0].id
        wanted: Any = {"lookup_key": lookup_key, "metadata": {"plan": plan}, **fields}
        options: Any = {"idempotency_key": f"price-{lookup_key}"}
        return self._ask(lambda: prices.create(wanted, options), "price").id

    def create_customer(self, *, tenant: str, name: str) -> str:
        """Return the id of the tenant's customer; a repeat makes no second one."""
        made = self._ask(
            lambda: self._client.v1.customers.create(
                {"name": name, "metadata": {"tenant": tenant}},
                {"idempotency_key": f"tenant-{tenant}"},
            ),
            "customer",
        )
        return made.id

    def open_checkout(
        self,
        *,
        customer: str,
        flat_price: str,
        metered_price: str,
        trial_days: int,
        success_url: str,
        cancel_url: str,
    ) -> str:
        """Return the URL of a page where the customer subscribes."""
        data: Any = {"billing_cycle_anchor_config": _ANCHOR}
        if trial_days:
            data |= {"trial_period_days": trial_days}
        session = self._ask(
            lambda: self._client.v1.checkout.sessions.create(
                {
                    "mode": "subscription",
                    "customer": customer,
                    "line_items": [{"price": flat_price, "quantity": 1}, {"price": metered_price}],
                    "subscription_data": data,
                    "success_url": success_url,
                    "cancel_url": cancel_url,
                }
            ),
            "checkout.session",
        )
        return str(session.url)

    def open_portal(self, *, customer: str, return_url: str) -> str:
        """Return the URL of Stripe's page for cards, invoices and cancelling."""
        session = self._ask(
            lambda: self._client.v1.billing_portal.sessions.create(
                {"customer": customer, "return_url": return_url}
            ),
            "billing_portal.session",
        )
        return session.url

    def subscriptions(self, customer: str) -> list[StripeSubscription]:
        """Return all subscriptions that the customer has and had."""
        listed = self._ask(
            lambda: self._client.v1.subscriptions.list(
                {"customer": customer, "status": "all", "limit": 100}
            ),
            "list",
        )
        return [read_subscription(each.to_dict()) for each in listed.auto_paging_iter()]

    def change_prices(
        self, subscription: StripeSubscription, *, flat_price: str, metered_price: str
    ) -> None:
        """Move to other prices at once; the difference of the month's rest is invoiced now."""
        items: Any = [
            {"id": item.id, "price": metered_price if item.is_metered else flat_price}
            for item in subscription.items
        ]
        self._ask(
            lambda: self._client.v1.subscriptions.update(
                subscription.id, {"items": items, "proration_behavior": "always_invoice"}
            ),
            "subscription",
        )

    def schedule_prices(
        self, subscription: StripeSubscription, *, flat_price: str, metered_price: str
    ) -> None:
        """Move to other prices with the next period."""
        schedules = self._client.v1.subscription_schedules
        schedule = subscription.schedule
        if schedule is None:
            schedule = self._ask(
                lambda: schedules.create({"from_subscription": subscription.id}),
                "subscription_schedule",
            ).id
        now: Any = [{"price": item.price} for item in subscription.items]
        then: Any = [
            {"price": metered_price if item.is_metered else flat_price}
            for item in subscription.items
        ]
        start, end = (
            int(each.timestamp()) for each in (subscription.period_start, subscription.period_end)
        )
        self._ask(
            lambda: schedules.update(
                schedule,
                {
                    "end_behavior": "release",
                    "phases": [
                        {"items": now, "start_date": start, "end_date": end},
                        {"items": then},
                    ],
                },
            ),
            "subscription_schedule",
        )

    def set_cancellation(self, subscription: str, *, is_wanted: bool) -> None:
        """Have a subscription end with its period, or go on after all."""
        self._ask(
            lambda: self._client.v1.subscriptions.update(
                subscription, {"cancel_at_period_end": is_wanted}
            ),
            "subscription",
        )

    def send_usage(self, *, customer: str, units: int, at: datetime, identifier: str) -> None:
        """Report the total of the hour that `at` is in; one try, since the outbox has its own."""
        self._ask(
            lambda: self._client.v1.billing.meter_events.create(
                {
                    "event_name": METER_EVENT,
                    "payload": {"stripe_customer_id": customer, "value": str(units)},
                    "identifier": identifier,
                    "timestamp": int(at.timestamp()),
                },
                # An error report names the key, so that it leads back to the report.
                {"idempotency_key": identifier, "max_network_retries": 0},
            ),
            "billing.meter_event",
            may_wait=False,
        )

    def usage_by_hour(
        self, *, meter: str, customer: str, start: datetime, end: datetime
    ) -> dict[datetime, int]:
        """Return what Stripe has counted in each hour."""
        listed = self._ask(
            lambda: self._client.v1.billing.meters.event_summaries.list(
                meter,
                {
                    "customer": customer,
                    "start_time": int(start.timestamp()),
                    "end_time": int(end.timestamp()),
                    "value_grouping_window": "hour",
                    "limit": 100,
                },
            ),
            "list",
        )
        return {
            moment(each.start_time): int(each.aggregated_value)
            for each in listed.auto_paging_iter()
        }

    def events_since(self, since: datetime) -> Iterator[dict[str, Any]]:
        """Yield the account's events, newest first."""
        listed = self._ask(
            lambda: self._client.v1.events.list(
                {"created": {"gte": int(since.timestamp())}, "limit": 100}
            ),
            "list",
        )
        for event in listed.auto_paging_iter():
            yield event.to_dict()

    def thin_event(self, identifier: str) -> dict[str, Any]:
        """Return what a thin event, such as a meter's error report, is about."""
        found: Any = self._ask(
            lambda: self._client.v2.core.events.retrieve(identifier), "v2.core.event"
        )
        return dict(found.to_dict())


@cache
def gateway() -> StripeGateway:
    """Return the process's gateway.

    Raises
    ------
    BillingUnavailable
        Neither Stripe nor a local one is configured.
    """
    settings = config()
    if settings.stripe_secret_key:
        return StripeGateway(
            key=settings.stripe_secret_key, address=None, backoff_seconds=BACKOFF_SECONDS
        )
    if settings.local_stripe_url is None:
        raise BillingUnavailable("Billing is not set up here; set STRIPE_SECRET_KEY.")
    return StripeGateway(
        key=_LOCAL_KEY, address=settings.local_stripe_url, backoff_seconds=BACKOFF_SECONDS
    )


def is_stripe_configured() -> bool:
    """Say whether there is a Stripe to talk to."""
    return bool(config().stripe_secret_key or config().local_stripe_url)
