"""Keeps where the answer to a repeated POST points to."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tenants", "0007_feeds")]

    operations = [
        migrations.AddField(
            model_name="idempotencyrecord",
            name="location",
            field=models.TextField(null=True),
        ),
    ]
