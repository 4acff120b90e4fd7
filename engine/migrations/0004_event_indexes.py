"""Indexes a user's and a visitor's events alone, not those that have none of either."""

from __future__ import annotations

from typing import Any

import django.db.models.deletion
from django.db import migrations, models


def _shopper() -> models.Field[Any, Any]:
    return models.ForeignKey(
        db_constraint=False,
        db_index=False,
        null=True,
        on_delete=django.db.models.deletion.CASCADE,
        related_name="+",
        to="engine.shopper",
    )


class Migration(migrations.Migration):
    dependencies = [("engine", "0003_privacy")]

    operations = [
        migrations.AlterField(model_name="event", name="anonymous", field=_shopper()),
        migrations.AlterField(model_name="event", name="user", field=_shopper()),
        migrations.AddIndex(
            model_name="event",
            index=models.Index(
                condition=models.Q(("user__isnull", False)), fields=["user"], name="event_user"
            ),
        ),
        migrations.AddIndex(
            model_name="event",
            index=models.Index(
                condition=models.Q(("anonymous__isnull", False)),
                fields=["anonymous"],
                name="event_visitor",
            ),
        ),
    ]
