"""Queues a training where the store's data have changed since it last trained."""

from __future__ import annotations

from engine.selectors.new_data import new_data
from engine.services.request_training import request_training
from tenants.models.environment import Environment


def train_if_changed(*, environment: Environment) -> str | None:
    """Queue a training, or leave it; call inside the environment.

    Parameters
    ----------
    environment
        Whose data to look at.

    Returns
    -------
    str or None
        The training run's id; `None` where nothing has changed, or it is to train on request
        alone.
    """
    # Asked for at midnight, and decided otherwise since.
    if environment.auto_train != Environment.AutoTrain.DAILY or not new_data().is_new:
        return None
    return request_training(environment=environment)
