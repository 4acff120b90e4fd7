"""When a store has moved away from its model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.core.artifact import Artifact
from engine.core.dataset import Dataset, Interactions
from engine.core.drift import drift_of
from engine.core.recency import DAY_SECONDS


def later(store: Dataset, model: Artifact, items: list[int], *, users: int = 100) -> Dataset:
    """Let each of the first shoppers look at one more item a day after all that is known."""
    old = store.interactions
    after = model.manifest["data_window"]["last"] + DAY_SECONDS
    new = Interactions(
        user_index=np.arange(users, dtype=np.int32),
        item_index=np.array(items, dtype=np.int32),
        weight=np.ones(users, np.float32),
        seconds=np.full(users, after),
        is_purchase=np.zeros(users, np.bool_),
    )
    columns = {
        name: np.concatenate([column, getattr(new, name)]) for name, column in vars(old).items()
    }
    return replace(store, interactions=Interactions(**columns))


def best_new(model: Artifact, *, users: int) -> list[int]:
    """Return the most popular item that each shopper has not met."""
    by_popularity = np.argsort(-np.asarray(model.popularity), kind="stable").tolist()
    met = [{row for row, *_ in model.history(f"u:shopper {user}")} for user in range(users)]
    return [next(row for row in by_popularity if row not in of_user) for of_user in met]


def test_a_model_drifts_when_its_shoppers_turn_to_what_is_popular_instead(
    acorn_store: Dataset, acorn_artifact: Artifact
) -> None:
    store = later(acorn_store, acorn_artifact, best_new(acorn_artifact, users=100))
    reason = drift_of(acorn_artifact, store, seed=1)
    assert reason is not None
    assert "100 shoppers" in reason


def test_a_few_shoppers_are_no_drift(acorn_store: Dataset, acorn_artifact: Artifact) -> None:
    rows = best_new(acorn_artifact, users=49)
    assert (
        drift_of(acorn_artifact, later(acorn_store, acorn_artifact, rows, users=49), seed=1) is None
    )


def test_shoppers_who_keep_their_tastes_are_no_drift(
    acorn_store: Dataset, acorn_artifact: Artifact
) -> None:
    rng = np.random.default_rng(3)
    shelves = [(user % 6) * 20 + int(rng.integers(20)) for user in range(100)]
    assert drift_of(acorn_artifact, later(acorn_store, acorn_artifact, shelves), seed=1) is None


@pytest.mark.parametrize(("lines", "is_much"), [(1_800, False), (1_801, True)])
def test_half_as_much_again_is_much_more_to_choose_on(
    acorn_store: Dataset, acorn_artifact: Artifact, lines: int, *, is_much: bool
) -> None:
    again = acorn_store.interactions.take(np.arange(lines) % 1_200)
    known = replace(
        acorn_artifact,
        manifest={
            **acorn_artifact.manifest,
            "counts": {"events": 9_999, "train_events": 1_000, "test_events": 200},
        },
    )
    reason = drift_of(known, replace(acorn_store, interactions=again), seed=1)
    assert (reason is not None) is is_much
