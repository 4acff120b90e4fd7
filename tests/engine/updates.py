"""A store whose live model can be brought up to date, and what happens in it afterwards."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from engine import tasks
from engine.core.recipe import LightFMSettings, Recipe, UpdateSettings
from engine.core.selection import prior_recipe
from engine.models.training import TrainingRun
from engine.services.ingest_events import ingest_events
from engine.services.request_training import queue_run
from tenants.context import in_environment, on_platform
from tenants.models.environment import Environment
from tenants.models.job import Job
from tests.engine.small_store import FIRST_DAY, WEEKS

LIGHTFM = LightFMSettings(
    dimensions=4,
    learning_rate=0.05,
    item_alpha=0.0,
    feature_weight=1.0,
    epochs=1,
    newest_share=0.0,
    newest_epochs=0,
    half_life_days=None,
)


def choose_updates(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have trainings of small stores choose LightFM and updates."""

    def with_updates(*args: Any, **kwargs: Any) -> Recipe:
        recipe = prior_recipe(*args, **kwargs)
        return replace(
            recipe,
            lightfm=LIGHTFM,
            weights={**recipe.weights, "taste": 1.0},
            update=UpdateSettings(epochs=1),
        )

    monkeypatch.setattr("engine.core.trainer.prior_recipe", with_updates)


def views_after(environment: Environment, *, count: int = 30) -> None:
    """Let shoppers go on after all that `fill_store` has loaded."""
    at = FIRST_DAY + timedelta(weeks=WEEKS, hours=1)
    with in_environment(environment):
        ingest_events(
            environment=environment,
            rows=[
                {
                    "type": "view",
                    "user_id": f"u{number % 7}",
                    "item_id": f"sku-{number % 60}",
                    "ts": (at + timedelta(minutes=number)).isoformat(),
                    "event_id": f"late-{number}",
                }
                for number in range(count)
            ],
            received_at=timezone.now(),
            source="import",
        )


def queue_update(environment: Environment) -> str | None:
    with in_environment(environment):
        return queue_run(environment=environment, kind=TrainingRun.Kind.UPDATE)


def job_of(environment: Environment) -> Job:
    """Return the training or update that is queued or running."""
    with on_platform():
        return Job.objects.get(exclusive_key=f"train:{environment.pk}")


def run_update(environment: Environment) -> None:
    """Run the update that is queued, as a worker would."""
    with on_platform():
        tasks.update_model(job_id=job_of(environment).pk, environment_id=environment.pk)


def update(environment: Environment) -> TrainingRun:
    """Queue an update and run it."""
    run_id = queue_update(environment)
    run_update(environment)
    with in_environment(environment):
        return TrainingRun.objects.get(pk=run_id)
