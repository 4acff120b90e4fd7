"""A small model made by hand, so that each test can say what it must answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from engine.core.artifact import write_artifact
from engine.core.baskets import Baskets
from engine.core.blend import Blend
from engine.core.co_purchases import co_purchases
from engine.core.dataset import CatalogueItem
from engine.core.features import FeatureSpace
from engine.core.gate import GateDecision
from engine.core.histories import UserHistories, UserRows
from engine.core.parts import NeighbourPart, StaticPart
from engine.core.recipe import ContentSettings, ItemKnnSettings, PopularitySettings, Recipe
from engine.core.report import EvaluationReport
from engine.core.tables import ModelTables
from engine.core.trained_model import TrainedModel
from saas.lib.ids import new_ulid

NEWEST_SECONDS = 1_700_000_000
# Item 0 is the most popular; each item's neighbours are the next two, the nearer the stronger.
ITEMS = tuple(f"item-{n}" for n in range(8))


def write_model(
    artifacts: Path,
    environment_id: int,
    *,
    items: Sequence[str] = ITEMS,
    viewed: Mapping[str, Sequence[int]] = {},
    bought: Mapping[str, Sequence[int]] = {},
    baskets: Sequence[Sequence[int]] = (),
    groups: Mapping[int, str] = {},
) -> str:
    """Write a model version and return its name.

    `viewed` and `bought` give item rows by shopper key; what is bought is in the history, too.
    `baskets` are item rows that were bought together, `groups` those that are variants.
    """
    version = new_ulid()
    n_items = len(items)
    popularity = np.arange(n_items, 0, -1, dtype=np.float32)
    z_scores = (popularity - popularity.mean()) / popularity.std()
    user_keys = sorted({*viewed, *bought})
    histories = [[*viewed.get(key, ()), *bought.get(key, ())] for key in user_keys]
    purchases = [sorted(bought.get(key, ())) for key in user_keys]
    rows = _flat(histories)
    blend = Blend(
        parts=(StaticPart(name="popular", scores=z_scores), _neighbours(n_items)),
        weights={"popular": 0.1, "item_knn": 1.0},
    )
    tables = ModelTables(
        item_ids=list(items),
        user_keys=user_keys,
        blend=blend,
        popularity=popularity,
        bought_together=co_purchases(
            Baskets(
                basket=np.repeat(np.arange(len(baskets)), [len(each) for each in baskets]),
                item_index=_flat(baskets),
            ),
            [
                CatalogueItem(item_id=item_id, title="", group_id=groups.get(row))
                for row, item_id in enumerate(items)
            ],
        ),
        history_half_life_days=None,
        newest_seconds=NEWEST_SECONDS,
        histories=UserHistories(
            indptr=_indptr(histories),
            rows=rows,
            weights=np.ones(len(rows), dtype=np.float32),
            seconds=np.full(len(rows), NEWEST_SECONDS, dtype=np.int64),
        ),
        purchased=UserRows(indptr=_indptr(purchases), rows=_flat(purchases)),
        feature_space=FeatureSpace(
            vocabulary={}, idf=np.zeros(0, np.float32), price_edges=np.zeros(0)
        ),
    )
    recipe = Recipe(
        popularity=PopularitySettings(window_days=None),
        history_half_life_days=None,
        item_knn=ItemKnnSettings(neighbours=2, shrinkage=0.0, half_life_days=None),
        content=ContentSettings(neighbours=1),
        weights=blend.weights,
    )
    write_artifact(
        folder=artifacts / str(environment_id) / version,
        model=TrainedModel(
            recipe=recipe,
            report=EvaluationReport(metrics={}, baselines={}, counts={}, data_window={}),
            gate=GateDecision(promote=True, reason="Made by hand."),
            tables=tables,
        ),
        environment_id=environment_id,
        version=version,
        change_seq=0,
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    return version


def _neighbours(n_items: int) -> NeighbourPart:
    targets = [sorted(((row + 1) % n_items, (row + 2) % n_items)) for row in range(n_items)]
    strengths = [
        [1.0 if target == (row + 1) % n_items else 0.5 for target in targets[row]]
        for row in range(n_items)
    ]
    return NeighbourPart(
        name="item_knn",
        indptr=_indptr(targets),
        indices=_flat(targets),
        data=np.concatenate(strengths).astype(np.float32),
    )


def _indptr(lists: Sequence[Sequence[object]]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.concatenate([[0], np.cumsum([len(each) for each in lists])]).astype(np.int64)


def _flat(lists: Sequence[Sequence[int]]) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
    return np.array([each for own in lists for each in own], dtype=np.int32)
