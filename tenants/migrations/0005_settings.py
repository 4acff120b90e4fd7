"""Settings: a time zone and a currency only where the store named them; a clock of what shows."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("tenants", "0004_retention"),
    ]

    operations = [
        migrations.AddField(
            model_name="catalogueclock",
            name="shown_seq",
            field=models.BigIntegerField(
                default=0, help_text="Its value when it last changed which attributes answers show."
            ),
        ),
        migrations.AlterField(
            model_name="environment",
            name="auto_train",
            field=models.CharField(
                choices=[("daily", "Daily"), ("off", "Off")], default="daily", max_length=16
            ),
        ),
        migrations.AlterField(
            model_name="environment",
            name="currency",
            field=models.CharField(
                help_text="Of prices that come without one.", max_length=3, null=True
            ),
        ),
        migrations.AlterField(
            model_name="environment",
            name="timezone",
            field=models.CharField(
                help_text="Of imported times without an offset.", max_length=64, null=True
            ),
        ),
        # Nobody could choose them before, so what stands there was a guess of ours.
        migrations.RunSQL(
            "UPDATE tenants_environment SET timezone = NULL, currency = NULL",
            migrations.RunSQL.noop,
        ),
    ]
