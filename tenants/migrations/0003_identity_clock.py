"""A clock for identity links, apart from the catalogue's: events move it, imports do not wait."""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tenants", "0002_triggers")]
    operations = [
        migrations.CreateModel(
            name="IdentityClock",
            fields=[
                (
                    "environment",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        serialize=False,
                        to="tenants.environment",
                    ),
                ),
                ("change_seq", models.BigIntegerField(default=0)),
            ],
        ),
    ]
