"""How long answers took, and how many were of another kind than was asked for."""

from __future__ import annotations

from django.conf import settings
from django.db import migrations, models

APP_LOGIN = '"' + settings.APP_LOGIN.replace('"', '""') + '"'
ADD_STEP = "ALTER TABLE billing_usageledger ADD COLUMN took_step smallint NOT NULL DEFAULT 0"
DROP_STEP = "ALTER TABLE billing_usageledger DROP COLUMN took_step"
GRANT = f"GRANT SELECT, INSERT, UPDATE ON billing_usagelatency TO {APP_LOGIN}"


class Migration(migrations.Migration):

    dependencies = [
        ('billing', '0006_usage_details'),
    ]

    operations = [
        migrations.AddField(
            model_name='usagebucket',
            name='fallbacks',
            field=models.BigIntegerField(db_default=0, help_text='Calls that were answered with something else than asked for.'),
        ),
        migrations.CreateModel(
            name='UsageLatency',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('environment_id', models.BigIntegerField()),
                ('day', models.DateField()),
                ('step', models.SmallIntegerField(help_text='Of the scale in billing.metering.record.')),
                ('calls', models.BigIntegerField()),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('environment_id', 'day', 'step'), name='billing_usagelatency_once')],
            },
        ),
        migrations.RunSQL(ADD_STEP, DROP_STEP),
        migrations.RunSQL(GRANT, migrations.RunSQL.noop),
    ]
