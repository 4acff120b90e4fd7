"""What is known of all stores at once, for platform staff."""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('tenants', '0011_webhooks'),
    ]

    operations = [
        migrations.CreateModel(
            name='EnvironmentDay',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('day', models.DateField(db_index=True)),
                ('calls', models.BigIntegerField(db_default=0)),
                ('units', models.BigIntegerField(db_default=0, help_text='The billable ones of the calls.')),
                ('events', models.BigIntegerField(db_default=0, help_text='As they came, whenever they happened.')),
                ('last_event_id', models.BigIntegerField(help_text="Up to which the environment's events are counted.", null=True)),
                ('items', models.IntegerField(null=True)),
                ('newest_event_at', models.DateTimeField(null=True)),
                ('ndcg', models.FloatField(help_text='NDCG@10 of the version that is live.', null=True)),
                ('popular_ndcg', models.FloatField(help_text='Of popularity in the same examination.', null=True)),
                ('schema_bytes', models.BigIntegerField(null=True)),
                ('migration', models.CharField(help_text='The newest that its schema has.', max_length=255, null=True)),
                ('measured_at', models.DateTimeField(null=True)),
                ('environment', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='days', to='tenants.environment')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('environment', 'day'), name='environment_day_once')],
            },
        ),
        migrations.CreateModel(
            name='TrainingRecord',
            fields=[
                ('run_id', models.CharField(max_length=26, primary_key=True, serialize=False)),
                ('kind', models.CharField(max_length=8)),
                ('status', models.CharField(max_length=9)),
                ('created_at', models.DateTimeField()),
                ('finished_at', models.DateTimeField(db_index=True)),
                ('seconds', models.FloatField(help_text='Without the wait in the queue.', null=True)),
                ('rows', models.BigIntegerField(null=True)),
                ('error', models.TextField(blank=True)),
                ('model_version', models.CharField(blank=True, max_length=26)),
                ('verdict', models.CharField(blank=True, max_length=8)),
                ('reason', models.TextField(blank=True, help_text="The promotion gate's.")),
                ('ndcg', models.FloatField(null=True)),
                ('popular_ndcg', models.FloatField(null=True)),
                ('environment', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='tenants.environment')),
            ],
            options={
                'indexes': [models.Index(fields=['environment', '-finished_at'], name='training_by_environment')],
            },
        ),
    ]
