"""How much of each schema a vacuum would take away, and when the last one was."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('tenants', '0016_placements'),
    ]

    operations = [
        migrations.AddField(
            model_name='environmentday',
            name='analysed_at',
            field=models.DateTimeField(help_text='Its largest table, by whomever.', null=True),
        ),
        migrations.AddField(
            model_name='environmentday',
            name='dead_rows',
            field=models.BigIntegerField(help_text='That a vacuum would take away.', null=True),
        ),
        migrations.AddField(
            model_name='environmentday',
            name='vacuumed_at',
            field=models.DateTimeField(help_text='Its largest table, by whomever.', null=True),
        ),
    ]
