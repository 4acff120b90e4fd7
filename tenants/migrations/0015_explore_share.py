"""Lets a store decide how much of personal lists goes to items that nobody has turned to yet."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tenants", "0014_staff_looks")]

    operations = [
        migrations.AddField(
            model_name="environment",
            name="explore_share",
            field=models.FloatField(
                db_default=0.1,
                default=0.1,
                help_text="Of the places of personal lists, for items that nobody has turned to "
                "yet.",
            ),
        ),
    ]
