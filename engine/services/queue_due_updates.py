"""The clock's part in updates: queues one where a live model has missed enough."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from django.utils import timezone

from engine.models.training import ModelVersion, TrainingRun
from engine.selectors.learnable_events import learnable_since
from engine.services.look_at_stores import look_at_stores
from engine.services.request_training import queue_run
from tenants.models.environment import Environment

log = structlog.get_logger()

# Serving knows each shopper's newest events anyway; what an update adds changes within hours.
PAUSE_BETWEEN_RUNS = timedelta(hours=1)
# An update is worth it when this share of what the model knows is new, within bounds.
NEW_SHARE = 0.01
LEAST_NEW_EVENTS = 200
MOST_NEW_EVENTS = 10_000


def queue_due_updates(*, after_id: int, most: int) -> int:
    """Look at some environments with a model, and queue an update where enough is new.

    Also where updates do not help: the job looks, too, whether the store has moved away from the
    model. Pinned versions, and those of stores that promote by hand, are left alone: an update of
    them would never be served.

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
        _queue_if_due,
        after_id=after_id,
        most=most,
        auto_train=Environment.AutoTrain.DAILY,
        live_version__isnull=False,
        is_pinned=False,
        auto_promote=True,
    )


def _queue_if_due(environment: Environment) -> None:
    if not _is_due(environment.live_version, now=timezone.now()):
        return
    run_id = queue_run(environment=environment, kind=TrainingRun.Kind.UPDATE)
    if run_id is not None:
        log.info("update_queued", environment_id=environment.pk, run=run_id)


def _is_due(live_version: str | None, *, now: datetime) -> bool:
    last_run = TrainingRun.objects.order_by("-id").values_list("created_at", flat=True).first()
    if last_run and last_run > now - PAUSE_BETWEEN_RUNS:
        return False
    version = ModelVersion.objects.filter(pk=live_version, artifact_removed_at=None).first()
    if version is None:
        return False
    known = int(version.counts.get("events", 0))
    wanted = min(MOST_NEW_EVENTS, max(LEAST_NEW_EVENTS, int(known * NEW_SHARE)))
    # What an earlier run has looked at and found no use for is not looked at again.
    since = max(version.trained_at, last_run) if last_run else version.trained_at
    return learnable_since(since, most=wanted) >= wanted
