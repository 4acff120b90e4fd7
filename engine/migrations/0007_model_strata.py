"""Keeps with each model how well it does by parts of its examination."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("engine", "0006_model_updates")]

    operations = [
        migrations.AddField(
            model_name="modelversion",
            name="strata",
            field=models.JSONField(
                default=dict, help_text="The metrics of parts of the examination."
            ),
        ),
    ]
