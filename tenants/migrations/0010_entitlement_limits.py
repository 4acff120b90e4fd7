"""Entitlements: what a subscription allows, with no limit where there is none."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('tenants', '0009_export_recommendations'),
    ]

    operations = [
        migrations.AddField(
            model_name='entitlement',
            name='access',
            field=models.CharField(choices=[('full', 'Full'), ('reads', 'Reads'), ('closed', 'Closed')], default='full', max_length=8),
        ),
        migrations.AddField(
            model_name='entitlement',
            name='call_limit',
            field=models.PositiveBigIntegerField(help_text='Units in the period after which on_limit decides.', null=True),
        ),
        migrations.AddField(
            model_name='entitlement',
            name='catalogue_items',
            field=models.PositiveIntegerField(null=True),
        ),
        migrations.AddField(
            model_name='entitlement',
            name='changes_at',
            field=models.DateTimeField(help_text='When billing has to decide anew though nothing was done.', null=True),
        ),
        migrations.AddField(
            model_name='entitlement',
            name='events_per_day',
            field=models.PositiveBigIntegerField(null=True),
        ),
        migrations.AddField(
            model_name='entitlement',
            name='included_calls',
            field=models.PositiveBigIntegerField(null=True),
        ),
        migrations.AddField(
            model_name='entitlement',
            name='limited_by',
            field=models.CharField(default='', help_text='quota, trial or spend_cap: what set the limit.', max_length=16),
        ),
        migrations.AddField(
            model_name='entitlement',
            name='period_end',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='entitlement',
            name='period_start',
            field=models.DateTimeField(null=True),
        ),
        migrations.AlterField(
            model_name='entitlement',
            name='burst',
            field=models.PositiveIntegerField(null=True),
        ),
        migrations.AlterField(
            model_name='entitlement',
            name='rate_per_second',
            field=models.PositiveIntegerField(null=True),
        ),
        # Nobody was held to them, and a store without a subscription still is not.
        migrations.RunSQL(
            "UPDATE tenants_entitlement SET rate_per_second = NULL, burst = NULL",
            migrations.RunSQL.noop,
        ),
    ]
