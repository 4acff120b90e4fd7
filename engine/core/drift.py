"""Whether a store has moved away from its live model, so that it is trained before its time."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import numpy as np

from engine.core.artifact import Artifact
from engine.core.comparison import compare_models
from engine.core.dataset import Dataset
from engine.core.evaluator import NDCG_AT

# Half as much again as the training chose its recipe on.
_GROWTH = 1.5
# Fewer shoppers have a bad hour together.
_ENOUGH_USERS = 50


def drift_of(model: Artifact, dataset: Dataset, *, seed: int) -> str | None:
    """Return why a model's recipe should be chosen anew, None where it should not.

    Either there is much more to choose on than there was, or the model has surely become worse
    than its own popularity on what shoppers turned to after it.

    Parameters
    ----------
    model : Artifact
        The live one.
    dataset : Dataset
        All of today's.
    seed : int
        Of the sample of shoppers and of the interval.
    """
    counts = model.manifest["counts"]
    # An update renews the other counts.
    known = counts["train_events"] + counts["test_events"]
    if len(dataset.interactions) > _GROWTH * known:
        return (
            f"The store has {len(dataset.interactions)} event lines, its last training had {known}."
        )
    popular = replace(model, blend=replace(model.blend, weights={"popular": 1.0}))
    found = compare_models(model, popular, finds=_finds(model, dataset), seed=seed)
    if found.users < _ENOUGH_USERS:
        return None
    gain = found.metrics[f"ndcg@{NDCG_AT}"].difference
    if gain.high >= 0:
        return None
    return (
        f"On what {found.users} shoppers turned to since, it is worse than what is popular "
        f"(NDCG@{NDCG_AT} {gain.value:+.4f}, at most {gain.high:+.4f})."
    )


def _finds(model: Artifact, dataset: Dataset) -> dict[str, set[str]]:
    lines = dataset.interactions
    is_new = (lines.seconds > model.manifest["data_window"]["last"]) & (lines.weight > 0)
    finds: dict[str, set[str]] = defaultdict(set)
    new = lines.take(np.flatnonzero(is_new))
    for user, item in zip(new.user_index.tolist(), new.item_index.tolist(), strict=True):
        finds[dataset.user_keys[user]].add(dataset.items[item].item_id)
    return finds
