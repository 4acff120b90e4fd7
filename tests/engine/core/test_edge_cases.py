"""Stores at the edges: each gets a model that ranks, or a reason."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from engine.core.artifact import open_artifact, write_artifact
from engine.core.dataset import CatalogueItem, Dataset, Interactions
from engine.core.ranking import score_popular, score_similar
from engine.core.recipe import ContentSettings
from engine.core.recommenders import content
from engine.core.recommenders.content import Content
from engine.core.recommenders.ease import Ease
from engine.core.recommenders.gfcf import Gfcf
from engine.core.recommenders.protocol import FitContext
from engine.core.trained_model import TrainedModel
from engine.core.trainer import train_model
from engine.core.training_part import training_part
from tests.engine.scoring import listed, personal

CONTEXT = FitContext(seed=3, threads=1)


def train(dataset: Dataset, *, seconds_budget: float = 1000) -> TrainedModel:
    return train_model(
        dataset=dataset,
        champion=None,
        seconds_budget=seconds_budget,
        seed=5,
        threads=1,
        report_progress=lambda stage, share: None,
    )


def ranks(model: TrainedModel) -> bool:
    """Whether it answers for a shopper, for an item and for nobody, in finite numbers."""
    tables = model.tables
    allowed = np.ones(len(tables.item_ids), dtype=np.bool_)
    answers = [
        listed(personal(tables, history=[(0, 1.0, 0.0)]), allowed=allowed, limit=10),
        listed(score_similar(tables, item_row=0), allowed=allowed, limit=10),
        listed(score_popular(tables), allowed=allowed, limit=10),
    ]
    return bool(len(answers[0].rows)) and all(np.isfinite(it.scores).all() for it in answers)


def test_a_store_whose_items_have_no_features(birch_store: Dataset) -> None:
    bare = [CatalogueItem(item_id=item.item_id, title="") for item in birch_store.items]
    model = train(replace(birch_store, items=bare))
    assert model.gate.promote
    assert ranks(model)


def test_a_store_whose_every_feature_is_unique(birch_store: Dataset) -> None:
    unique = [
        CatalogueItem(
            item_id=item.item_id,
            title="".join(chr(ord("a") + int(digit)) for digit in f"{row:04}"),
            categories=(f"Shelf {row}",),
            brand=f"Brand {row}",
            attributes={"serial": str(row)},
        )
        for row, item in enumerate(birch_store.items)
    ]
    model = train(replace(birch_store, items=unique))
    assert model.gate.promote
    assert ranks(model)


def test_a_catalogue_far_larger_than_its_events(
    interactions_of: Callable[..., Interactions],
) -> None:
    # A tenth of the million that this was tried with; nothing here grows with the square.
    items = [
        CatalogueItem(f"sku-{row}", "Same words for all", brand="Acme") for row in range(100_000)
    ]
    lines = [(n % 5, n * 9_999, 1, n, False) for n in range(10)]
    model = train(
        Dataset(
            user_keys=[f"u:{n}" for n in range(5)], items=items, interactions=interactions_of(lines)
        )
    )
    assert model.gate.promote
    assert ranks(model)


def test_in_a_large_catalogue_the_commonest_features_make_no_neighbours(
    birch_store: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = training_part(birch_store, birch_store.interactions)
    everything = Content(ContentSettings(neighbours=50)).fit(part, CONTEXT)
    # A brand has 24 items, a category 20, a price 12: 6 * 20 ** 2 pairs are left of all.
    monkeypatch.setattr(content, "_MOST_PAIRS", 5_000)
    rarest = Content(ContentSettings(neighbours=50)).fit(part, CONTEXT)
    assert 0 < len(rarest.indices) < len(everything.indices)


def test_a_user_with_a_hundred_thousand_events(birch_store: Dataset) -> None:
    lines = birch_store.interactions
    rng = np.random.default_rng(0)
    many = 100_000
    busy = Interactions(
        user_index=np.zeros(many, np.int32),
        item_index=rng.integers(0, 120, many).astype(np.int32),
        weight=np.ones(many, np.float32),
        seconds=rng.integers(lines.seconds.min(), lines.seconds.max(), many),
        is_purchase=np.zeros(many, np.bool_),
    )
    both = Interactions(
        **{
            name: np.concatenate([column, getattr(busy, name)])
            for name, column in vars(lines).items()
        }
    )
    model = train(replace(birch_store, interactions=both))
    assert ranks(model)
    assert np.diff(model.tables.histories.indptr).max() == 100


def test_every_printable_character_in_an_id_survives_training_and_disk(
    birch_store: Dataset, tmp_path: Path
) -> None:
    printable = [chr(code) for code in range(sys.maxunicode + 1) if chr(code).isprintable()]
    ids = ["".join(printable[row :: len(birch_store.items)]) for row in range(120)]
    items = [replace(item, item_id=id_) for item, id_ in zip(birch_store.items, ids, strict=True)]
    users = [f"u:{id_}" for id_ in ids[: len(birch_store.user_keys)]]
    model = train(replace(birch_store, items=items, user_keys=users))
    write_artifact(
        folder=tmp_path / "1" / "V",
        model=model,
        environment_id=1,
        version="V",
        change_seq=0,
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    artifact = open_artifact(tmp_path / "1" / "V", verify=True)
    assert [artifact.item_id(row) for row in range(120)] == ids
    assert all(artifact.history(user) for user in users)


def fashions(*, shoppers: int, days: int) -> Dataset:
    """Everyone takes what is in fashion that day; nobody has a taste."""
    rng = np.random.default_rng(3)
    items = 60
    lines = shoppers * 8
    day = rng.integers(0, days, lines)
    return Dataset(
        user_keys=[f"u:{user}" for user in range(shoppers)],
        items=[CatalogueItem(f"sku-{row}", "") for row in range(items)],
        interactions=Interactions(
            user_index=rng.integers(0, shoppers, lines).astype(np.int32),
            item_index=((day // 10 * 7 + rng.geometric(0.3, lines)) % items).astype(np.int32),
            weight=np.ones(lines, np.float32),
            seconds=day * 86_400 + rng.integers(0, 86_400, lines),
            is_purchase=np.zeros(lines, np.bool_),
        ),
    )


def test_a_store_where_popularity_is_best_is_served_it_and_told_so() -> None:
    model = train(fashions(shoppers=600, days=100), seconds_budget=20)
    assert model.gate.promote
    assert dict(model.recipe.weights) == {"popular": 1.0}
    assert "What is popular lately is the best" in model.gate.reason
    assert model.report.metrics == model.report.baselines["popular"]
    assert ranks(model)


def test_a_part_that_memory_does_not_suffice_for_is_left_out(
    acorn_store: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_large(*args: object, **kwargs: object) -> None:
        raise MemoryError

    monkeypatch.setattr(Ease, "fit", too_large)
    monkeypatch.setattr(Gfcf, "fit", too_large)
    monkeypatch.setattr("engine.core.selection.best_lightfm", too_large)
    model = train(acorn_store)
    assert model.gate.promote
    assert (model.recipe.ease, model.recipe.gfcf, model.recipe.lightfm) == (None, None, None)
