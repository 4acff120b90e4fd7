"""Invoices of all stores, as staff see them."""

from __future__ import annotations

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

APP_LOGIN = '"' + settings.APP_LOGIN.replace('"', '""') + '"'
# No DELETE: what was billed once must stay explained.
GRANT = f"GRANT SELECT, INSERT, UPDATE ON billing_invoicerecord TO {APP_LOGIN}"


class Migration(migrations.Migration):

    dependencies = [
        ('billing', '0008_credits_and_reminders'),
        ('tenants', '0016_placements'),
    ]

    operations = [
        migrations.CreateModel(
            name='InvoiceRecord',
            fields=[
                ('id', models.CharField(max_length=255, primary_key=True, serialize=False)),
                ('number', models.CharField(blank=True, max_length=255)),
                ('status', models.CharField(choices=[('draft', 'Draft'), ('open', 'Open'), ('paid', 'Paid'), ('uncollectible', 'Uncollectible'), ('void', 'Void'), ('deleted', 'Deleted')], max_length=16)),
                ('currency', models.CharField(max_length=3)),
                ('total_minor', models.BigIntegerField()),
                ('due_minor', models.BigIntegerField()),
                ('period_start', models.DateTimeField()),
                ('period_end', models.DateTimeField()),
                ('created_at', models.DateTimeField()),
                ('url', models.TextField(blank=True, help_text="Stripe's page of it.")),
                ('mirrored_at', models.DateTimeField(auto_now=True)),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
            options={
                'verbose_name': 'invoice',
                'indexes': [models.Index(fields=['-created_at'], name='billing_invoice_newest')],
            },
        ),
        migrations.RunSQL(GRANT, migrations.RunSQL.noop),
    ]
