"""Ends a training run that will never succeed, with a reason its store understands."""

from __future__ import annotations

import structlog
from django.utils import timezone

from engine.models.training import TrainingRun
from tenants.models.environment import Environment
from tenants.services.announce import announce

log = structlog.get_logger()


def fail_training(*, environment: Environment, run_id: str, reason: str) -> None:
    """Mark the run as failed; call inside the environment, in the transaction that ends its job.

    What was live stays live.

    Parameters
    ----------
    environment, run_id
        Whose training, and the run that the store watches.
    reason
        One sentence for the shop's owner.
    """
    TrainingRun.objects.filter(pk=run_id).update(
        status=TrainingRun.Status.FAILED, error=reason, finished_at=timezone.now()
    )
    data = {"training_run_id": run_id, "detail": reason}
    announce(environment=environment, event_type="training.failed", data=data)
    log.info("training_failed", run=run_id, reason=reason)
