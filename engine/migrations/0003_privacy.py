"""Privacy: requests with their receipts, tombstones, and how far a model has read the store."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("engine", "0002_attributes"),
    ]

    operations = [
        migrations.CreateModel(
            name="PrivacyRequest",
            fields=[
                ("id", models.CharField(max_length=26, primary_key=True, serialize=False)),
                (
                    "kind",
                    models.CharField(
                        choices=[("erase", "Erase"), ("export", "Export")], max_length=6
                    ),
                ),
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
                (
                    "subject",
                    models.JSONField(
                        help_text="Whom it is about; forgotten with the end.", null=True
                    ),
                ),
                (
                    "removed",
                    models.JSONField(default=dict, help_text="How much of what is gone."),
                ),
                (
                    "change_seq",
                    models.BigIntegerField(
                        help_text="The catalogue clock's value of an erasure; models read it or "
                        "not.",
                        null=True,
                    ),
                ),
                ("error", models.TextField(null=True)),
                ("created_at", models.DateTimeField()),
                ("finished_at", models.DateTimeField(null=True)),
            ],
        ),
        migrations.AddField(
            model_name="modelversion",
            name="change_seq",
            field=models.BigIntegerField(
                default=0,
                help_text="The catalogue clock's value up to which the training read the store.",
            ),
        ),
        migrations.AlterField(
            model_name="shopper",
            name="kind",
            field=models.CharField(
                choices=[("user", "User"), ("anonymous", "Anonymous"), ("erased", "Erased")],
                max_length=9,
            ),
        ),
        migrations.CreateModel(
            name="Tombstone",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("digest", models.BinaryField(max_length=16)),
                (
                    "since",
                    models.DateTimeField(help_text="Null: from the beginning.", null=True),
                ),
                ("until", models.DateTimeField()),
                (
                    "change_seq",
                    models.BigIntegerField(
                        help_text="The catalogue clock's value of the erasure: its lock orders "
                        "the ids, too."
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["digest"], name="tombstone_digest")],
            },
        ),
    ]
