"""Tells updates from trainings, and says of an updated model which one it started from."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("engine", "0005_import_warnings")]

    operations = [
        migrations.AddField(
            model_name="modelversion",
            name="parent",
            field=models.CharField(
                help_text=(
                    "The version that this one brought up to date; what that one knew is in it."
                ),
                max_length=26,
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="trainingrun",
            name="kind",
            field=models.CharField(
                choices=[("training", "Training"), ("update", "Update")],
                default="training",
                max_length=8,
            ),
        ),
    ]
