"""The outbox of usage for Stripe, and the events that Stripe sends."""

from __future__ import annotations

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

APP_LOGIN = '"' + settings.APP_LOGIN.replace('"', '""') + '"'

# What a report says of its hour never changes; a later total is the next revision.
GRANT = [
    f"GRANT SELECT, INSERT ON billing_usagereport, billing_stripeevent TO {APP_LOGIN}",
    "GRANT UPDATE (state, attempts, next_attempt_at, sent_at, error, drift_rounds, drift_units)"
    f" ON billing_usagereport TO {APP_LOGIN}",
    f"GRANT UPDATE (processed_at) ON billing_stripeevent TO {APP_LOGIN}",
]
REVOKE = [f"REVOKE ALL ON billing_usagereport, billing_stripeevent FROM {APP_LOGIN}"]


class Migration(migrations.Migration):

    dependencies = [
        ('billing', '0003_plans'),
        ('tenants', '0010_entitlement_limits'),
    ]

    operations = [
        migrations.CreateModel(
            name='StripeEvent',
            fields=[
                ('id', models.CharField(max_length=255, primary_key=True, serialize=False)),
                ('type', models.CharField(max_length=255)),
                ('body', models.TextField(help_text='As it was signed, or as the nightly list had it.')),
                ('received_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('processed_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='UsageReport',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('hour', models.DateTimeField()),
                ('revision', models.PositiveIntegerField()),
                ('units', models.BigIntegerField()),
                ('last_call_at', models.DateTimeField(help_text="Within the hour and the subscription's life.")),
                ('state', models.CharField(choices=[('pending', 'Pending'), ('sent', 'Sent'), ('superseded', 'Superseded'), ('rejected', 'Rejected'), ('invoiced', 'Invoiced')], default='pending', max_length=10)),
                ('attempts', models.PositiveIntegerField(default=0)),
                ('next_attempt_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('sent_at', models.DateTimeField(null=True)),
                ('error', models.TextField(blank=True)),
                ('drift_rounds', models.PositiveIntegerField(default=0, help_text="How often in a row Stripe's summary disagreed.")),
                ('drift_units', models.BigIntegerField(default=0, help_text="Stripe's total less ours, when they were last compared.")),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('state', 'pending')), fields=['next_attempt_at'], name='billing_usagereport_due'), models.Index(fields=['hour'], name='billing_usagereport_hour')],
                'constraints': [models.UniqueConstraint(fields=('tenant', 'hour', 'revision'), name='billing_usagereport_once')],
            },
        ),
        migrations.RunSQL(GRANT, REVOKE),
    ]
