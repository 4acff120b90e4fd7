"""Says of an import what about its file its sender may not have meant."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("engine", "0004_event_indexes")]

    operations = [
        migrations.AddField(
            model_name="import",
            name="warnings",
            field=models.JSONField(default=list, help_text="About the file as a whole."),
        ),
    ]
