"""Puts what was erased beside the models that may still hold it, for who opens them without us."""

from __future__ import annotations

from django.db import connection
from django.db.models import Min

from engine.models.privacy import Tombstone
from engine.models.training import ModelVersion
from engine.services.remove_old_artifacts import artifacts_of
from saas.lib.erasures import Erasure, write_erasures
from tenants.context import in_environment
from tenants.models.environment import Environment

# A lock's first number says what the second is about.
_LOCK_SPACE = 7_303


def publish_erasures(*, environment: Environment) -> None:
    """Write the file of erasures that some stored model has not read; opens its own transaction.

    Parameters
    ----------
    environment
        Whose models.
    """
    with in_environment(environment):
        with connection.cursor() as cursor:
            # Of two writers, the later one has read more.
            cursor.execute(
                "SELECT pg_advisory_xact_lock(%s, %s)", [_LOCK_SPACE, environment.pk & 0x7FFF_FFFF]
            )
        stored = ModelVersion.objects.filter(artifact_removed_at=None)
        oldest = stored.aggregate(oldest=Min("change_seq"))["oldest"] or 0
        rows = Tombstone.objects.filter(change_seq__gt=oldest).order_by("id")
        write_erasures(
            artifacts_of(environment.pk),
            [
                Erasure(
                    digest=bytes(row.digest),
                    since_ms=None if row.since is None else row.since.timestamp() * 1000,
                    until_ms=row.until.timestamp() * 1000,
                    change_seq=row.change_seq,
                )
                for row in rows.iterator()
            ],
        )
