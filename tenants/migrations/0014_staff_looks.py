"""Dead letters, found without reading what is done, and laid aside; fallbacks by day."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('tenants', '0013_accounts'),
    ]

    operations = [
        migrations.AddField(
            model_name='environmentday',
            name='fallbacks',
            field=models.BigIntegerField(db_default=0, help_text='Calls answered with something else than was asked for.'),
        ),
        migrations.AlterField(
            model_name='job',
            name='state',
            field=models.CharField(choices=[('queued', 'Queued'), ('running', 'Running'), ('done', 'Done'), ('failed', 'Failed'), ('dropped', 'Dropped')], default='queued', max_length=8),
        ),
        migrations.AddIndex(
            model_name='job',
            index=models.Index(condition=models.Q(('state', 'failed')), fields=['-finished_at'], name='job_failed'),
        ),
    ]
