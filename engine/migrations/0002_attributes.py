"""Declarations of attributes, and an index that says whether a text names a group."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("engine", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Attribute",
            fields=[
                ("name", models.CharField(max_length=128, primary_key=True, serialize=False)),
                (
                    "type",
                    models.CharField(
                        choices=[
                            ("string", "String"),
                            ("number", "Number"),
                            ("boolean", "Boolean"),
                            ("list", "List"),
                        ],
                        max_length=7,
                    ),
                ),
                ("filterable", models.BooleanField(default=True)),
                (
                    "learn",
                    models.BooleanField(
                        default=True, help_text="Whether models may learn from it."
                    ),
                ),
                (
                    "public",
                    models.BooleanField(default=False, help_text="Whether answers may show it."),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="item",
            index=models.Index(
                condition=models.Q(("group_id__isnull", False)),
                fields=["group_id"],
                name="item_group",
            ),
        ),
    ]
