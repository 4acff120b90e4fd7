"""Two models side by side, on the same shoppers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from math import log2
from pathlib import Path

import numpy as np
import pytest

from engine.core import comparison
from engine.core.artifact import Artifact, open_artifact, write_artifact
from engine.core.blend import Blend
from engine.core.comparison import compare_models
from engine.core.dataset import Dataset
from engine.core.trainer import train_model

Weights = Mapping[str, float]


def speaking(model: Artifact, weights: Weights) -> Artifact:
    return replace(model, blend=Blend(parts=model.blend.parts, weights=weights))


@pytest.fixture
def model(acorn_artifact: Artifact) -> Artifact:
    return speaking(acorn_artifact, {"item_knn": 1.0})


@pytest.fixture
def other_artifact(plain_store: Callable[..., Dataset], tmp_path: Path) -> Artifact:
    """A model of quite another catalogue, older than Acorn's."""
    lines = [(user, (user + step) % 12, 1, step, False) for user in range(8) for step in range(4)]
    trained = train_model(
        dataset=plain_store(users=8, items=12, lines=lines),
        champion=None,
        seconds_budget=100,
        seed=5,
        threads=1,
        report_progress=lambda _stage, _share: None,
    )
    folder = tmp_path / "7" / "V0"
    write_artifact(
        folder=folder,
        model=trained,
        environment_id=7,
        version="V0",
        change_seq=1,
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    return open_artifact(folder, verify=True)


def test_a_model_beside_itself_does_not_differ(model: Artifact) -> None:
    key = model.user_keys[0]
    met = {model.item_id(row) for row, _, _ in model.history(key)}
    new = next(it for it in (model.item_id(row) for row in range(model.n_items)) if it not in met)
    found = compare_models(model, model, finds={key: {new}}, seed=1)
    assert found.users == 1
    assert found.overlap.value == 1
    for difference in found.metrics.values():
        assert difference.a == difference.b
        assert vars(difference.difference) == {"value": 0, "low": 0, "high": 0}
    assert all(sample.a == sample.b for sample in found.samples)


def test_metrics_are_of_what_was_new_to_the_shopper_and_differences_are_the_firsts_lead(
    model: Artifact,
) -> None:
    other = speaking(model, {"popular": 1.0})
    key = model.user_keys[0]
    (sample, *_) = compare_models(model, other, finds={key: set()}, seed=1).samples
    wanted = sample.a[1]
    assert wanted not in sample.b
    # What the shopper had met before, and what neither model knows, is nothing to find.
    finds = {key: {wanted, sample.history[-1], "newer than both"}, "u:nobody": {wanted}}
    found = compare_models(model, other, finds=finds, seed=1)
    assert found.users == 1
    ndcg = found.metrics["ndcg@10"]
    assert [ndcg.a, ndcg.b] == pytest.approx([1 / log2(3), 0])
    assert ndcg.difference.value == pytest.approx(1 / log2(3))
    assert found.metrics["hit_rate@10"].difference.value == 1
    turned = compare_models(other, model, finds=finds, seed=1)
    assert turned.metrics["ndcg@10"].difference.value == pytest.approx(-1 / log2(3))


def test_without_new_finds_lists_are_laid_side_by_side_alone(model: Artifact) -> None:
    found = compare_models(model, speaking(model, {"popular": 1.0}), finds={}, seed=1)
    assert (found.users, found.metrics) == (0, {})
    assert found.overlap_users == min(model.n_users, 50)
    alike = [len(set(sample.a) & set(sample.b)) / 10 for sample in found.samples]
    assert len(alike) == 5
    assert 0 <= found.overlap.value < 1


def test_both_meet_the_history_of_the_model_that_knows_more(model: Artifact) -> None:
    nobody = np.zeros_like(model.histories.indptr)
    stale = replace(
        model,
        newest_seconds=model.newest_seconds - 1,
        histories=replace(model.histories, indptr=nobody),
    )
    found = compare_models(stale, model, finds={}, seed=1)
    assert found.overlap.value == 1
    assert all(sample.history for sample in found.samples)


def test_a_shopper_whose_items_a_model_does_not_know_is_shown_what_is_popular_there(
    model: Artifact, other_artifact: Artifact
) -> None:
    found = compare_models(model, other_artifact, finds={}, seed=1)
    popular = np.lexsort(
        (np.arange(other_artifact.n_items), -np.asarray(other_artifact.popularity))
    )
    assert all(
        sample.b == [other_artifact.item_id(row) for row in popular[:10].tolist()]
        for sample in found.samples
    )
    assert found.overlap.value == 0


def test_large_catalogues_are_compared_on_fewer_shoppers(
    model: Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparison, "_MOST_SCORES", 25 * (2 * model.n_items + 1))
    assert compare_models(model, model, finds={}, seed=1).overlap_users == 25
