"""Exports of recommendations: who gets a list, and how long it is."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    """Adds two columns."""

    dependencies = [
        ("tenants", "0008_idempotent_location"),
    ]

    operations = [
        migrations.AddField(
            model_name="export",
            name="list_length",
            field=models.PositiveSmallIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="export",
            name="user_ids",
            field=models.JSONField(null=True),
        ),
    ]
