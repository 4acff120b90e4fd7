"""Exports: files of a store's own data."""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("tenants", "0005_settings"),
    ]

    operations = [
        migrations.CreateModel(
            name="Export",
            fields=[
                ("id", models.CharField(max_length=26, primary_key=True, serialize=False)),
                ("kind", models.CharField(max_length=16)),
                ("format", models.CharField(max_length=7)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("queued", "Queued"),
                            ("running", "Running"),
                            ("completed", "Completed"),
                            ("failed", "Failed"),
                        ],
                        default="queued",
                        max_length=9,
                    ),
                ),
                ("rows_written", models.BigIntegerField(default=0)),
                ("rows_total", models.BigIntegerField(null=True)),
                ("bytes", models.BigIntegerField(null=True)),
                ("error", models.TextField(null=True)),
                ("created_at", models.DateTimeField()),
                ("finished_at", models.DateTimeField(null=True)),
                (
                    "environment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, to="tenants.environment"
                    ),
                ),
            ],
        ),
    ]
