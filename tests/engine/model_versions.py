"""Model versions as a training would have left them, for tests that need no training."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from engine.models.training import ModelVersion
from tenants.context import in_environment, on_platform
from tenants.models.environment import Environment

DECILE = {"decile": 1, "recommended": 0.5, "wanted": 0.25, "covered": 1.0}
CURVE = {
    "settings": {"dimensions": 32},
    "is_chosen": True,
    "points": [{"epoch": 1, "is_newest": False, "ndcg": 0.08, "loss": 0.5}],
}
NOVEMBER = datetime(2026, 11, 1, tzinfo=UTC)


def version_of(day: int) -> str:
    """Return the version that was trained on that day of November."""
    return f"01KVERSIONOFNOVEMBER{day:06d}"


def add_version(environment: Environment, *, day: int, **changes: Any) -> str:
    """Add the version of a day; `promoted_at` and the like as `changes`."""
    version = version_of(day)
    metric = {"value": 0.1, "low": 0.08, "high": 0.12}
    values: dict[str, Any] = {
        "trained_at": NOVEMBER + timedelta(days=day - 1),
        "verdict": "promoted",
        "reason": "Better than what is popular lately.",
        "recipe": {"format": 0, "seed": 7},
        "data_window": {"first": 1_700_000_000, "last": 1_700_086_400},
        "counts": {"events": 1_000},
        "metrics": {"ndcg@10": metric},
        "baselines": {"popular": {"ndcg@10": metric}},
        "strata": {"warm": {"ndcg@10": metric}},
        "popularity_deciles": [DECILE],
        "training_curve": [CURVE],
    }
    with in_environment(environment):
        ModelVersion.objects.create(version=version, **values | changes)
    return version


def add_champions(environment: Environment, *days: int) -> list[str]:
    """Add versions that were live one after the other; the last one is."""
    versions = [
        add_version(environment, day=day, promoted_at=NOVEMBER + timedelta(days=day))
        for day in days
    ]
    with on_platform():
        Environment.objects.filter(pk=environment.pk).update(live_version=versions[-1])
    return versions


def live_version(environment: Environment) -> tuple[str | None, bool]:
    """Return what is served and whether it is pinned."""
    with on_platform():
        row = Environment.objects.get(pk=environment.pk)
    return row.live_version, row.is_pinned
