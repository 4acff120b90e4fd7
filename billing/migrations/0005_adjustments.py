"""What staff adjusted, of what stores were warned, and how far each host has shipped."""

from __future__ import annotations

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

APP_LOGIN = '"' + settings.APP_LOGIN.replace('"', '""') + '"'

GRANT = [
    f"GRANT SELECT, INSERT ON billing_usageadjustment, billing_usagealert TO {APP_LOGIN}",
    f"GRANT SELECT, INSERT, UPDATE, DELETE ON billing_usageshipper TO {APP_LOGIN}",
    """
    CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON billing_usageadjustment
        FOR EACH STATEMENT EXECUTE FUNCTION tenants_refuse_change()
    """,
]


class Migration(migrations.Migration):

    dependencies = [
        ('billing', '0004_stripe'),
        ('tenants', '0011_webhooks'),
    ]

    operations = [
        migrations.CreateModel(
            name='UsageShipper',
            fields=[
                ('host', models.CharField(max_length=255, primary_key=True, serialize=False)),
                ('shipped_up_to', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='UsageAdjustment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('environment_id', models.BigIntegerField()),
                ('hour', models.DateTimeField()),
                ('units', models.BigIntegerField(help_text='Negative where staff took them off.')),
                ('reason', models.TextField()),
                ('actor', models.CharField(max_length=200)),
                ('at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                'indexes': [models.Index(fields=['environment_id', 'hour'], name='billing_adjustment_by_hour')],
                'constraints': [models.CheckConstraint(condition=models.Q(('units', 0), _negated=True), name='billing_adjustment_changes_something')],
            },
        ),
        migrations.CreateModel(
            name='UsageAlert',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('period_start', models.DateTimeField()),
                ('percent', models.SmallIntegerField()),
                ('used', models.BigIntegerField()),
                ('included', models.BigIntegerField()),
                ('at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='tenants.tenant')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('tenant', 'period_start', 'percent'), name='billing_usagealert_once')],
            },
        ),
        migrations.RunSQL(GRANT, migrations.RunSQL.noop),
    ]
