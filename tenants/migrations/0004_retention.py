"""Retention: how long events are kept, by plan."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tenants", "0003_identity_clock")]
    operations = [
        migrations.AddField(
            model_name="entitlement",
            name="retention_days",
            field=models.PositiveIntegerField(
                default=1_095, help_text="How long events are kept, back from the newest."
            ),
        ),
    ]
