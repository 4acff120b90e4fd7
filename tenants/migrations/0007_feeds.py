"""Feeds: addresses from which files are fetched again and again."""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("tenants", "0006_exports"),
    ]

    operations = [
        migrations.CreateModel(
            name="Feed",
            fields=[
                ("id", models.CharField(max_length=26, primary_key=True, serialize=False)),
                ("url", models.TextField()),
                ("kind", models.CharField(max_length=6)),
                ("format", models.CharField(max_length=16)),
                ("mode", models.CharField(max_length=11)),
                (
                    "every",
                    models.CharField(
                        choices=[
                            ("15m", "15m"),
                            ("30m", "30m"),
                            ("1h", "1h"),
                            ("3h", "3h"),
                            ("6h", "6h"),
                            ("12h", "12h"),
                            ("24h", "24h"),
                            ("7d", "7d"),
                        ],
                        max_length=3,
                    ),
                ),
                ("timezone", models.CharField(max_length=64, null=True)),
                ("mapping", models.JSONField(default=dict)),
                ("created_at", models.DateTimeField()),
                ("next_run_at", models.DateTimeField(db_index=True)),
                (
                    "run_status",
                    models.CharField(
                        choices=[
                            ("queued", "Queued"),
                            ("running", "Running"),
                            ("completed", "Completed"),
                            ("unchanged", "Unchanged"),
                            ("skipped", "Skipped"),
                            ("failed", "Failed"),
                        ],
                        default="queued",
                        max_length=9,
                    ),
                ),
                ("run_started_at", models.DateTimeField(null=True)),
                ("run_finished_at", models.DateTimeField(null=True)),
                ("run_bytes", models.BigIntegerField(null=True)),
                ("run_error_code", models.CharField(max_length=64, null=True)),
                ("run_error", models.TextField(null=True)),
                (
                    "failures",
                    models.PositiveIntegerField(default=0, help_text="Failed runs in a row."),
                ),
                (
                    "import_id",
                    models.CharField(
                        help_text="Of the last import that it started.", max_length=26, null=True
                    ),
                ),
                ("etag", models.TextField(null=True)),
                ("last_modified", models.TextField(null=True)),
                (
                    "digest",
                    models.BinaryField(
                        help_text="SHA-256 of the file that was imported last.",
                        max_length=32,
                        null=True,
                    ),
                ),
                (
                    "environment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, to="tenants.environment"
                    ),
                ),
            ],
        ),
    ]
