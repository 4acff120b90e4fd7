"""A store that buys a plan at the tests' Stripe, as its owner would."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from billing.models.plan import Plan
from billing.models.subscription import Subscription
from billing.models.usage import UsageBucket
from billing.services.mirror_plans import mirror_plans
from billing.services.start_checkout import start_checkout
from billing.services.sync_subscription import sync_subscription
from tenants.context import on_platform
from tenants.models.environment import Environment
from tests.billing.stripe_server import Account


@dataclass
class Customer:
    """A store with a subscription at Stripe."""

    environment: Environment
    stripe: Account

    @property
    def row(self) -> Subscription:
        return Subscription.objects.select_related("plan").get(pk=self.environment.tenant_id)

    @property
    def id(self) -> str:
        return self.row.stripe_customer_id

    @property
    def tenant_id(self) -> UUID:
        return UUID(str(self.environment.tenant_id))

    def sync(self) -> Subscription:
        sync_subscription(customer=self.id)
        return self.row

    def end_period(self) -> Subscription:
        """Move Stripe's clock to where the period's invoice has been finalised."""
        ends = self.row.current_period_end.timestamp()
        now = self.stripe.world.now()
        self.stripe.move_clock(ends - now + 2 * 3_600)
        return self.sync()

    def use(self, hour: datetime, units: int) -> None:
        """Have the store's bucket of the hour say so many units."""
        UsageBucket.objects.update_or_create(
            environment_id=self.environment.pk,
            hour=hour,
            operation=1,
            defaults={"calls": units, "units": units},
        )

    def counted(self, hour: datetime) -> int:
        """Return what Stripe has of an hour."""
        key = f"|{self.id}|{int(hour.timestamp())}"
        found = [values for name, values in self.stripe.world.usage.items() if name.endswith(key)]
        return int(found[0][-1]["value"]) if found else 0


def subscribe(
    environment: Environment, stripe: Account, *, plan: str = "starter", days: int = 0
) -> Customer:
    """Buy a plan in Checkout."""
    mirror_plans()
    with on_platform():
        Plan.objects.filter(pk=plan).update(trial_days=days)
    url = start_checkout(
        tenant_id=environment.tenant_id,
        plan_code=plan,
        success_url="http://portal.example/",
        cancel_url="http://portal.example/",
    )
    stripe.press(url, "pay")
    customer = Customer(environment, stripe)
    customer.sync()
    return customer
