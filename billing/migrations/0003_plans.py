"""Plans and subscriptions, with the four plans that we begin with."""

from __future__ import annotations

from typing import Any

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

APP_LOGIN = '"' + settings.APP_LOGIN.replace('"', '""') + '"'

PLANS = [
    {
        "code": "free",
        "name": "Free",
        "is_offered": True,
        "price_minor": 0,
        "included_calls": 10_000,
        "tiers": [{"up_to": None, "unit_amount_decimal": "0"}],
        "quota": "hard",
        "hard_multiple": None,
        "rate_per_second": 5,
        "burst": 10,
        "catalogue_items": 5_000,
        "events_per_day": 100_000,
        "retention_days": 365,
        "training_seconds": 60,
    },
    {
        "code": "starter",
        "name": "Starter",
        "is_offered": True,
        "price_minor": 4_900,
        "included_calls": 100_000,
        "tiers": [
            {"up_to": 100_000, "unit_amount_decimal": "0"},
            {"up_to": None, "unit_amount_decimal": "0.05"},
        ],
        "quota": "soft",
        "hard_multiple": 3,
        "rate_per_second": 25,
        "burst": 50,
        "catalogue_items": 50_000,
        "events_per_day": 1_000_000,
        "retention_days": 1_095,
        "training_seconds": 120,
    },
    {
        "code": "growth",
        "name": "Growth",
        "is_offered": True,
        "price_minor": 29_900,
        "included_calls": 1_000_000,
        "tiers": [
            {"up_to": 1_000_000, "unit_amount_decimal": "0"},
            {"up_to": 5_000_000, "unit_amount_decimal": "0.03"},
            {"up_to": None, "unit_amount_decimal": "0.02"},
        ],
        "quota": "soft",
        "hard_multiple": None,
        "rate_per_second": 100,
        "burst": 200,
        "catalogue_items": 500_000,
        "events_per_day": 10_000_000,
        "retention_days": 1_095,
        "training_seconds": 600,
    },
    # What a contract begins with: staff copy the row and enter what was agreed.
    {
        "code": "enterprise",
        "name": "Enterprise",
        "is_offered": False,
        "price_minor": 0,
        "included_calls": 10_000_000,
        "tiers": [{"up_to": None, "unit_amount_decimal": "0"}],
        "quota": "soft",
        "hard_multiple": None,
        "rate_per_second": 500,
        "burst": 1_000,
        "catalogue_items": 5_000_000,
        "events_per_day": 100_000_000,
        "retention_days": 1_095,
        "training_seconds": 1_800,
    },
]

# No DELETE: what was billed once must stay explained.
GRANT = f"GRANT SELECT, INSERT, UPDATE ON billing_plan, billing_subscription TO {APP_LOGIN}"
REVOKE = f"REVOKE ALL ON billing_plan, billing_subscription FROM {APP_LOGIN}"


def add_plans(apps: Any, schema_editor: Any) -> None:
    plan = apps.get_model("billing", "Plan")
    plan.objects.bulk_create(plan(**each, currency="EUR") for each in PLANS)


class Migration(migrations.Migration):

    dependencies = [
        ('billing', '0002_ledger_retention'),
        ('tenants', '0009_export_recommendations'),
    ]

    operations = [
        migrations.CreateModel(
            name='Plan',
            fields=[
                ('code', models.SlugField(max_length=32, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=100)),
                ('is_offered', models.BooleanField(default=False, help_text='Whether a store may choose it without asking us.')),
                ('currency', models.CharField(max_length=3)),
                ('price_minor', models.PositiveIntegerField(help_text='Of one month.')),
                ('included_calls', models.PositiveBigIntegerField()),
                ('tiers', models.JSONField(help_text='Graduated prices of a call: [{"up_to": 1000|null, "unit_amount_decimal": "0"}].')),
                ('quota', models.CharField(choices=[('hard', 'Hard'), ('soft', 'Soft')], max_length=4)),
                ('hard_multiple', models.PositiveIntegerField(help_text='A soft quota ends at so many times the included calls.', null=True)),
                ('trial_days', models.PositiveIntegerField(default=14)),
                ('trial_calls', models.PositiveBigIntegerField(default=20000)),
                ('rate_per_second', models.PositiveIntegerField()),
                ('burst', models.PositiveIntegerField()),
                ('catalogue_items', models.PositiveIntegerField(null=True)),
                ('events_per_day', models.PositiveBigIntegerField(null=True)),
                ('retention_days', models.PositiveIntegerField(default=1095)),
                ('training_seconds', models.FloatField(help_text='The time budget of one training run.')),
                ('stripe_product_id', models.CharField(blank=True, max_length=255)),
                ('stripe_flat_price_id', models.CharField(blank=True, max_length=255)),
                ('stripe_metered_price_id', models.CharField(blank=True, max_length=255)),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('quota__in', ['hard', 'soft'])), name='billing_plan_quota_known')],
            },
        ),
        migrations.CreateModel(
            name='Subscription',
            fields=[
                ('tenant', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='subscription', serialize=False, to='tenants.tenant')),
                ('state', models.CharField(choices=[('incomplete', 'Incomplete'), ('incomplete_expired', 'Incomplete Expired'), ('trialing', 'Trialing'), ('active', 'Active'), ('past_due', 'Past Due'), ('unpaid', 'Unpaid'), ('paused', 'Paused'), ('canceled', 'Canceled')], default='active', max_length=20)),
                ('currency', models.CharField(max_length=3)),
                ('stripe_customer_id', models.CharField(blank=True, max_length=255)),
                ('stripe_subscription_id', models.CharField(blank=True, max_length=255)),
                ('current_period_start', models.DateTimeField()),
                ('current_period_end', models.DateTimeField()),
                ('trial_end', models.DateTimeField(null=True)),
                ('past_due_since', models.DateTimeField(null=True)),
                ('cancel_at_period_end', models.BooleanField(default=False)),
                ('ended_at', models.DateTimeField(null=True)),
                ('spend_cap_minor', models.PositiveBigIntegerField(help_text='What the store will pay for a period at most, the price included.', null=True)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('next_plan', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='billing.plan')),
                ('plan', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='subscriptions', to='billing.plan')),
            ],
            options={
                'constraints': [models.UniqueConstraint(condition=models.Q(('stripe_customer_id', ''), _negated=True), fields=('stripe_customer_id',), name='billing_subscription_customer_once'), models.UniqueConstraint(condition=models.Q(('stripe_subscription_id', ''), _negated=True), fields=('stripe_subscription_id',), name='billing_subscription_stripe_once'), models.CheckConstraint(condition=models.Q(('current_period_start__lt', models.F('current_period_end'))), name='billing_subscription_period_runs_forwards')],
            },
        ),
        migrations.RunSQL(GRANT, REVOKE),
        migrations.RunPython(add_plans, migrations.RunPython.noop),
    ]
