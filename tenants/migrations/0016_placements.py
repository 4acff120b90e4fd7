"""Lets a store say what calls for a place on its pages take where they say nothing themselves."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tenants", "0015_explore_share")]

    operations = [
        migrations.AddField(
            model_name="environment",
            name="placements",
            field=models.JSONField(
                db_default={},
                default=dict,
                help_text="By name: what a call that names the placement takes where it says "
                "nothing itself.",
            ),
        ),
    ]
