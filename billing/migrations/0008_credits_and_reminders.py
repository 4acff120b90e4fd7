"""Credit that two people decide, reminders of late payments, and the end of old events."""

from __future__ import annotations

import django.db.models.deletion
import django.db.models.functions.datetime
import uuid
from django.conf import settings
from django.db import migrations, models

APP_LOGIN = '"' + settings.APP_LOGIN.replace('"', '""') + '"'
GRANT = [
    f"GRANT SELECT, INSERT, UPDATE ON billing_credit TO {APP_LOGIN}",
    f"GRANT SELECT, INSERT ON billing_paymentreminder TO {APP_LOGIN}",
    f"GRANT DELETE ON billing_stripeevent TO {APP_LOGIN}",
]


class Migration(migrations.Migration):

    dependencies = [
        ('billing', '0007_usage_latency'),
        ('tenants', '0011_webhooks'),
    ]

    operations = [
        migrations.CreateModel(
            name='Credit',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('key', models.CharField(help_text='Of the form that asked, so that it asks once.', max_length=100, unique=True)),
                ('amount_minor', models.PositiveBigIntegerField()),
                ('currency', models.CharField(max_length=3)),
                ('state', models.CharField(choices=[('waiting', 'Waiting'), ('declined', 'Declined'), ('approved', 'Approved'), ('granted', 'Granted')], default='waiting', max_length=8)),
                ('reason', models.TextField()),
                ('asked_by', models.CharField(max_length=200)),
                ('asked_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('decided_by', models.CharField(blank=True, max_length=200)),
                ('decided_at', models.DateTimeField(null=True)),
                ('decision', models.TextField(blank=True, help_text='Why it was approved or declined.')),
                ('stripe_grant_id', models.CharField(blank=True, max_length=255)),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
            options={
                'indexes': [models.Index(fields=['tenant', 'asked_at'], name='billing_credit_by_tenant')],
                'constraints': [models.CheckConstraint(condition=models.Q(('amount_minor__gt', 0)), name='billing_credit_is_something')],
            },
        ),
        migrations.CreateModel(
            name='PaymentReminder',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('past_due_since', models.DateTimeField()),
                ('day', models.SmallIntegerField()),
                ('at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('tenant', 'past_due_since', 'day'), name='billing_paymentreminder_once')],
            },
        ),
        migrations.RunSQL(GRANT, migrations.RunSQL.noop),
    ]
