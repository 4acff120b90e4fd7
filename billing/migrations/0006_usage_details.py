"""Usage by API key and placement, beside the buckets that are billed."""

from __future__ import annotations

from django.conf import settings
from django.db import migrations, models

APP_LOGIN = '"' + settings.APP_LOGIN.replace('"', '""') + '"'

ADD_TAGS = """
    ALTER TABLE billing_usageledger ADD COLUMN key_tag integer NOT NULL DEFAULT 0,
        ADD COLUMN placement_tag integer NOT NULL DEFAULT 0
"""
DROP_TAGS = "ALTER TABLE billing_usageledger DROP COLUMN key_tag, DROP COLUMN placement_tag"
GRANT = [
    f"GRANT SELECT, INSERT, UPDATE ON billing_usagedetail TO {APP_LOGIN}",
    f"GRANT SELECT, INSERT ON billing_usagelabel TO {APP_LOGIN}",
]


class Migration(migrations.Migration):

    dependencies = [
        ('billing', '0005_adjustments'),
    ]

    operations = [
        migrations.CreateModel(
            name='UsageDetail',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('environment_id', models.BigIntegerField()),
                ('hour', models.DateTimeField()),
                ('key_tag', models.IntegerField()),
                ('placement_tag', models.IntegerField()),
                ('calls', models.BigIntegerField()),
                ('units', models.BigIntegerField()),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('environment_id', 'hour', 'key_tag', 'placement_tag'), name='billing_usagedetail_once')],
            },
        ),
        migrations.CreateModel(
            name='UsageLabel',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('environment_id', models.BigIntegerField()),
                ('tag', models.IntegerField()),
                ('name', models.CharField(max_length=100)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('environment_id', 'tag'), name='billing_usagelabel_once')],
            },
        ),
        migrations.RunSQL(ADD_TAGS, DROP_TAGS),
        migrations.RunSQL(GRANT, migrations.RunSQL.noop),
    ]
