"""Keeps with each model how it learnt and how it treats what is popular; a run's seconds."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("engine", "0007_model_strata")]

    operations = [
        migrations.AddField(
            model_name="modelversion",
            name="popularity_deciles",
            field=models.JSONField(
                db_default=models.Value([], models.JSONField()),
                default=list,
                help_text="Recommendations by how popular the items are.",
            ),
        ),
        migrations.AddField(
            model_name="modelversion",
            name="training_curve",
            field=models.JSONField(
                db_default=models.Value([], models.JSONField()),
                default=list,
                help_text="How the candidates learnt, epoch by epoch.",
            ),
        ),
        migrations.AddField(
            model_name="trainingrun",
            name="seconds_budget",
            field=models.FloatField(help_text="What a training may take.", null=True),
        ),
    ]
