"""What we sell: each plan is a row, so that a price or a limit changes without a release."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from typing_extensions import override

# What a store has that buys nothing.
FREE_PLAN = "free"


class Plan(models.Model):
    """A price and what it buys; a customer's own contract is a row of its own.

    Money is integers of minor units; a tier's price of one call is a decimal string of them,
    as Stripe's `unit_amount_decimal`.
    """

    class Quota(models.TextChoices):
        """What happens when the included calls are used up."""

        # They end.
        HARD = "hard"
        # They go on and are charged, up to `hard_multiple` times the included ones.
        SOFT = "soft"

    code = models.SlugField(primary_key=True, max_length=32)
    name = models.CharField(max_length=100)
    is_offered = models.BooleanField(
        default=False, help_text="Whether a store may choose it without asking us."
    )
    currency = models.CharField(max_length=3)
    price_minor = models.PositiveIntegerField(help_text="Of one month.")
    included_calls = models.PositiveBigIntegerField()
    tiers = models.JSONField(
        help_text='Graduated prices of a call: [{"up_to": 1000|null, "unit_amount_decimal": "0"}].'
    )
    quota = models.CharField(max_length=4, choices=Quota)
    hard_multiple = models.PositiveIntegerField(
        null=True, help_text="A soft quota ends at so many times the included calls."
    )
    trial_days = models.PositiveIntegerField(default=14)
    trial_calls = models.PositiveBigIntegerField(default=20_000)
    rate_per_second = models.PositiveIntegerField()
    burst = models.PositiveIntegerField()
    catalogue_items = models.PositiveIntegerField(null=True)
    events_per_day = models.PositiveBigIntegerField(null=True)
    retention_days = models.PositiveIntegerField(default=1_095)
    training_seconds = models.FloatField(help_text="The time budget of one training run.")
    stripe_product_id = models.CharField(max_length=255, blank=True)
    stripe_flat_price_id = models.CharField(max_length=255, blank=True)
    stripe_metered_price_id = models.CharField(max_length=255, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(quota__in=["hard", "soft"]), name="billing_plan_quota_known"
            ),
        ]

    @override
    def __str__(self) -> str:
        return self.code
