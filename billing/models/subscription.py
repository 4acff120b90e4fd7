"""Which plan a store has, and how it stands with paying for it."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now
from typing_extensions import override

from billing.models.plan import Plan
from tenants.models.tenant import Tenant


class Subscription(models.Model):
    """A store's subscription: Stripe's, as we last saw it, and what the store decided itself.

    A store without a row is not billed, and keeps what its entitlement says.
    """

    class State(models.TextChoices):
        """Stripe's statuses."""

        INCOMPLETE = "incomplete"
        INCOMPLETE_EXPIRED = "incomplete_expired"
        TRIALING = "trialing"
        ACTIVE = "active"
        PAST_DUE = "past_due"
        UNPAID = "unpaid"
        PAUSED = "paused"
        CANCELED = "canceled"

    tenant = models.OneToOneField(
        Tenant, on_delete=models.PROTECT, primary_key=True, related_name="subscription"
    )
    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="subscriptions")
    # Of a change to a smaller plan, which waits for the period's end.
    next_plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="+", null=True)
    state = models.CharField(max_length=20, choices=State, default=State.ACTIVE)
    currency = models.CharField(max_length=3)
    stripe_customer_id = models.CharField(max_length=255, blank=True)
    stripe_subscription_id = models.CharField(max_length=255, blank=True)
    current_period_start = models.DateTimeField()
    current_period_end = models.DateTimeField()
    trial_end = models.DateTimeField(null=True)
    past_due_since = models.DateTimeField(null=True)
    cancel_at_period_end = models.BooleanField(default=False)
    ended_at = models.DateTimeField(null=True)
    spend_cap_minor = models.PositiveBigIntegerField(
        null=True, help_text="What the store will pay for a period at most, the price included."
    )
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["stripe_customer_id"],
                condition=~models.Q(stripe_customer_id=""),
                name="billing_subscription_customer_once",
            ),
            models.UniqueConstraint(
                fields=["stripe_subscription_id"],
                condition=~models.Q(stripe_subscription_id=""),
                name="billing_subscription_stripe_once",
            ),
            models.CheckConstraint(
                condition=models.Q(current_period_start__lt=models.F("current_period_end")),
                name="billing_subscription_period_runs_forwards",
            ),
        ]

    @override
    def __str__(self) -> str:
        return f"{self.plan_id} of {self.tenant_id}, {self.state}"
