"""Starts a store's first training by itself, once there is enough to learn from."""

from __future__ import annotations

from datetime import timedelta

import structlog
from django.utils import timezone

from engine.selectors.learnable_events import learnable_events
from engine.selectors.new_data import new_data
from engine.services.look_at_stores import look_at_stores
from engine.services.request_training import request_training
from tenants.models.environment import Environment

log = structlog.get_logger()

# With less, a model knows no more than a list of what is popular.
FIRST_TRAINING_EVENTS = 100
# A first model that the gate rejected is not tried again with each new event.
PAUSE_BETWEEN_ATTEMPTS = timedelta(hours=1)
# A history that is still being sent makes a model of its first part; so wait until it pauses,
# but not for ever: a busy shop's events never do.
PAUSE_IN_LOADING = timedelta(seconds=30)
LONGEST_LOADING = timedelta(minutes=10)


def start_first_trainings(*, after_id: int, most: int) -> int:
    """Look at some environments without a model, and queue a training where the data suffice.

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
        _start_if_worth,
        after_id=after_id,
        most=most,
        auto_train=Environment.AutoTrain.DAILY,
        live_version__isnull=True,
    )


def _start_if_worth(environment: Environment) -> None:
    if _is_worth_a_training():
        run_id = request_training(environment=environment)
        log.info("first_training_queued", environment_id=environment.pk, run=run_id)


def _is_worth_a_training() -> bool:
    data = new_data()
    if not data.is_new:
        return False
    now = timezone.now()
    if data.trained_at and data.trained_at > now - PAUSE_BETWEEN_ATTEMPTS:
        return False
    if data.is_loading(now=now, pause=PAUSE_IN_LOADING, longest=LONGEST_LOADING):
        return False
    return learnable_events().known >= FIRST_TRAINING_EVENTS
