"""The clock's part after a release: queues a training where the live model is not read any more."""

from __future__ import annotations

from datetime import timedelta

import structlog
from django.utils import timezone

from engine.models.training import TrainingRun
from engine.services.look_at_stores import look_at_stores
from engine.services.outdated_artifacts import has_outdated_artifact
from engine.services.request_training import request_training
from tenants.models.environment import Environment

log = structlog.get_logger()

# What failed or was rejected is tried again, but not with each look.
PAUSE_BETWEEN_ATTEMPTS = timedelta(hours=1)


def replace_outdated_models(*, after_id: int, most: int) -> int:
    """Look at some environments with a model, and queue a training where nothing can open it.

    Also where the store trains on request alone or has pinned the version: until then its
    shoppers are shown the newest items.

    Parameters
    ----------
    after_id, most
        As for `look_at_stores`.

    Returns
    -------
    int
        The `after_id` of the next call; 0 when it begins anew.
    """
    return look_at_stores(
        _train_if_outdated, after_id=after_id, most=most, live_version__isnull=False
    )


def _train_if_outdated(environment: Environment) -> None:
    if not has_outdated_artifact(environment.pk, environment.live_version):
        return
    since = timezone.now() - PAUSE_BETWEEN_ATTEMPTS
    trainings = TrainingRun.objects.filter(kind=TrainingRun.Kind.TRAINING, created_at__gt=since)
    if not trainings.exists():
        run_id = request_training(environment=environment)
        log.info("outdated_model_found", environment_id=environment.pk, run=run_id)
