"""Makes the stores that bench_serving.py asks: random items, models and shoppers of one size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from deploy.benchmarks.ingestion_store import make_store
from engine.core.artifact import Artifact, open_artifact, write_artifact
from engine.core.baskets import no_baskets
from engine.core.blend import Blend
from engine.core.co_purchases import co_purchases
from engine.core.dataset import CatalogueItem
from engine.core.features import FeatureSpace
from engine.core.gate import GateDecision
from engine.core.histories import UserHistories, UserRows
from engine.core.parts import NeighbourPart, Part, StaticPart, vector_part
from engine.core.recipe import ContentSettings, ItemKnnSettings, PopularitySettings, Recipe
from engine.core.report import EvaluationReport
from engine.core.tables import ModelTables
from engine.core.trained_model import TrainedModel
from saas.lib.config import config

if TYPE_CHECKING:
    from tenants.models.environment import Environment

ITEMS = 10_000
SHOPPERS = 2_000
HISTORY = 20
DIMENSIONS = 64
NEIGHBOURS = 100
# One item in a hundred.
RARE_CATEGORY = "Rare"
_NEWEST = 1_700_000_000
VERSION = "01K0000000000000000000000B"
# Not live, to be swapped with the other.
OTHER_VERSION = "01K0000000000000000000000C"
_CREATED = datetime(2026, 1, 1, tzinfo=UTC)


def item_ids(items: int = ITEMS) -> list[str]:
    """Return the ids of a store's items."""
    return [f"sku-{number}" for number in range(items)]


def make_serving_stores(one: Sequence[str], other: Sequence[str]) -> tuple[str, str]:
    """Make two environments whose live models have these parts, and return their secret keys."""
    live, key = make_store()
    from tenants.context import on_platform
    from tenants.services.create_api_key import create_api_key

    with on_platform():
        test = type(live).objects.get(tenant_id=live.tenant_id, kind="test")
        test_key = create_api_key(environment=test, actor="bench", name="bench").text
    _fill(live, parts=one)
    _fill(test, parts=other)
    return key, test_key


def models() -> Iterator[Artifact]:
    """Open the stores' models, the first one's first."""
    for folder in sorted(config().artifacts.glob("*/*")):
        yield open_artifact(folder, verify=False)


def _fill(environment: Environment, *, parts: Sequence[str]) -> None:
    from engine.services.write_items import write_items
    from tenants.context import in_environment, on_platform

    rows = [
        {
            "id": item_id,
            "title": f"Thing {number}",
            "categories": [RARE_CATEGORY if number % 100 == 0 else f"Shelf {number % 37}"],
            "brand": f"Brand {number % 50}",
            "price": f"{number % 200}.90",
            "currency": "EUR",
        }
        for number, item_id in enumerate(item_ids())
    ]
    for start in range(0, ITEMS, 1_000):
        with in_environment(environment):
            write_items(environment=environment, rows=rows[start : start + 1_000])
    for version in (VERSION, OTHER_VERSION):
        write_model(make_tables(parts), folder=config().artifacts / str(environment.pk) / version)
    with on_platform():
        type(environment).objects.filter(pk=environment.pk).update(live_version=VERSION)


def write_model(tables: ModelTables, *, folder: Path) -> None:
    """Write a model that nobody trained, to `…/<environment id>/<version>`."""
    write_artifact(
        folder=folder,
        model=TrainedModel(
            recipe=Recipe(
                popularity=PopularitySettings(window_days=None),
                history_half_life_days=None,
                item_knn=ItemKnnSettings(neighbours=2, shrinkage=0.0, half_life_days=None),
                content=ContentSettings(neighbours=1),
                weights=tables.blend.weights,
            ),
            report=EvaluationReport(metrics={}, baselines={}, counts={}, data_window={}),
            gate=GateDecision(promote=True, reason="Made for a measurement."),
            tables=tables,
        ),
        environment_id=int(folder.parent.name),
        version=folder.name,
        change_seq=0,
        created_at=_CREATED,
    )


def make_tables(
    parts: Sequence[str], *, items: int = ITEMS, shoppers: int = SHOPPERS
) -> ModelTables:
    """Return a model of random numbers with these parts."""
    rng = np.random.default_rng(7)
    popularity = rng.random(items).astype(np.float32)
    made: dict[str, Part] = {
        "taste": vector_part(
            name="taste",
            vectors=rng.standard_normal((items, DIMENSIONS)).astype(np.float32),
            feature_vectors=np.zeros((0, DIMENSIONS), dtype=np.float32),
        ),
        "item_knn": _neighbours(rng, items),
        "popular": StaticPart(
            name="popular", scores=(popularity - popularity.mean()) / popularity.std()
        ),
    }
    lengths = np.arange(0, shoppers * HISTORY + 1, HISTORY)
    return ModelTables(
        item_ids=item_ids(items),
        user_keys=[f"u:user-{number}" for number in range(shoppers)],
        blend=Blend(parts=tuple(made[name] for name in parts), weights=dict.fromkeys(parts, 1.0)),
        popularity=popularity,
        bought_together=co_purchases(
            no_baskets(), [CatalogueItem(item_id=each, title="") for each in item_ids(items)]
        ),
        history_half_life_days=30.0,
        newest_seconds=_NEWEST,
        histories=UserHistories(
            indptr=lengths,
            rows=rng.integers(0, items, shoppers * HISTORY).astype(np.int32),
            weights=np.ones(shoppers * HISTORY, dtype=np.float32),
            seconds=rng.integers(_NEWEST - 10**7, _NEWEST, shoppers * HISTORY),
        ),
        purchased=UserRows(indptr=np.zeros(shoppers + 1, np.int64), rows=np.zeros(0, np.int32)),
        feature_space=FeatureSpace(
            vocabulary={}, idf=np.zeros(0, np.float32), price_edges=np.zeros(0)
        ),
    )


def _neighbours(rng: np.random.Generator, items: int) -> NeighbourPart:
    targets = np.stack([rng.choice(items, NEIGHBOURS, replace=False) for _ in range(items)])
    return NeighbourPart(
        name="item_knn",
        indptr=np.arange(0, items * NEIGHBOURS + 1, NEIGHBOURS),
        indices=np.sort(targets, axis=1).astype(np.int32).ravel(),
        data=rng.random(items * NEIGHBOURS).astype(np.float32),
    )
