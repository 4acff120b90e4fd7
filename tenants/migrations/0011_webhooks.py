"""Webhooks, and the messages to them."""

from __future__ import annotations

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('tenants', '0010_entitlement_limits'),
    ]

    operations = [
        migrations.CreateModel(
            name='Webhook',
            fields=[
                ('id', models.CharField(max_length=26, primary_key=True, serialize=False)),
                ('url', models.TextField()),
                ('events', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=32), size=None)),
                ('secret', models.CharField(max_length=64)),
                ('created_at', models.DateTimeField()),
                ('failing_since', models.DateTimeField(help_text='When the first message failed that none after it has got through.', null=True)),
                ('disabled_at', models.DateTimeField(null=True)),
                ('disabled_reason', models.TextField(blank=True)),
                ('environment', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='tenants.environment')),
            ],
        ),
        migrations.CreateModel(
            name='WebhookDelivery',
            fields=[
                ('id', models.CharField(max_length=26, primary_key=True, serialize=False)),
                ('type', models.CharField(max_length=32)),
                ('payload', models.TextField()),
                ('created_at', models.DateTimeField(db_index=True)),
                ('state', models.CharField(choices=[('pending', 'Pending'), ('delivered', 'Delivered'), ('failed', 'Failed')], default='pending', max_length=9)),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('last_attempt_at', models.DateTimeField(null=True)),
                ('next_attempt_at', models.DateTimeField(null=True)),
                ('response_status', models.PositiveSmallIntegerField(null=True)),
                ('error', models.TextField(blank=True)),
                ('webhook', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='tenants.webhook')),
            ],
            options={
                'indexes': [models.Index(fields=['webhook', 'id'], name='webhook_deliveries')],
            },
        ),
    ]
