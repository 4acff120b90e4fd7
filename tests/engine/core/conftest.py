"""Small stores whose shoppers really have tastes, made by hand or from a seed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from engine.core.artifact import Artifact, open_artifact, write_artifact
from engine.core.baskets import baskets_of
from engine.core.dataset import CatalogueItem, Dataset, Interactions
from engine.core.recency import DAY_SECONDS
from engine.core.trained_model import TrainedModel
from engine.core.trainer import train_model

FIRST_DAY = 15_000
TASTES = ("Garden", "Kitchen", "Music", "Paper", "Toys", "Travel")
ITEMS_PER_TASTE = 20

# A line names user, item, weight, day and whether it is a purchase.
Line = tuple[int, int, float, float, bool]


def lines_to_interactions(lines: Sequence[Line]) -> Interactions:
    users, items, weights, days, purchases = zip(*lines, strict=True) if lines else [()] * 5
    seconds = (np.array(days, dtype=np.float64) + FIRST_DAY) * DAY_SECONDS
    return Interactions(
        user_index=np.array(users, dtype=np.int32),
        item_index=np.array(items, dtype=np.int32),
        weight=np.array(weights, dtype=np.float32),
        seconds=seconds.astype(np.int64),
        is_purchase=np.array(purchases, dtype=np.bool_),
    )


@pytest.fixture(scope="session")
def interactions_of() -> Callable[[Sequence[Line]], Interactions]:
    return lines_to_interactions


@pytest.fixture(scope="session")
def plain_store() -> Callable[..., Dataset]:
    """A store of given size and lines, items without any feature but a title."""

    def make(*, users: int, items: int, lines: Sequence[Line]) -> Dataset:
        return Dataset(
            user_keys=[f"u:{user}" for user in range(users)],
            items=[CatalogueItem(item_id=f"sku-{row}", title=f"{row}") for row in range(items)],
            interactions=lines_to_interactions(lines),
        )

    return make


def tasteful_store(*, users: int, lines_per_user: int, seed: int) -> Dataset:
    rng = np.random.default_rng(seed)
    items = [
        CatalogueItem(
            item_id=f"{taste.lower()}/{number}",
            title=f"{taste} thing",
            categories=(f"Home > {taste}",),
            brand=f"Brand {number % 5}",
            price=1.0 + number,
        )
        for taste in TASTES
        for number in range(ITEMS_PER_TASTE)
    ]
    lines: list[Line] = []
    for user in range(users):
        taste = user % len(TASTES)
        for _ in range(lines_per_user):
            liked = taste if rng.random() < 0.85 else int(rng.integers(len(TASTES)))
            item = liked * ITEMS_PER_TASTE + int(rng.integers(ITEMS_PER_TASTE))
            is_purchase = bool(rng.random() < 0.3)
            weight = 5.0 if is_purchase else 1.0
            lines.append((user, item, weight, float(rng.random() * 100), is_purchase))
    interactions = lines_to_interactions(lines)
    bought = interactions.take(interactions.is_purchase)
    return Dataset(
        user_keys=[f"u:shopper {user}" for user in range(users)],
        items=items,
        interactions=interactions,
        # Each buys once in ten days, and all of it together.
        baskets=baskets_of(
            named=np.zeros(len(bought), dtype=np.int64),
            shopper=bought.user_index + 1,
            seconds=bought.seconds // 10,
            item_index=bought.item_index,
        ),
    )


@pytest.fixture(scope="session")
def acorn_store() -> Dataset:
    """300 shoppers of six tastes, 12 lines each: enough for the whole selection."""
    return tasteful_store(users=300, lines_per_user=12, seed=7)


@pytest.fixture(scope="session")
def birch_store() -> Dataset:
    """40 shoppers: too few to choose or prove anything on."""
    return tasteful_store(users=40, lines_per_user=10, seed=8)


def quietly(stage: str, share: float) -> None:
    """Progress that nobody watches."""


@pytest.fixture(scope="session")
def acorn_model(acorn_store: Dataset) -> TrainedModel:
    return train_model(
        dataset=acorn_store,
        champion=None,
        seconds_budget=1000,
        seed=5,
        threads=1,
        report_progress=quietly,
    )


@pytest.fixture(scope="session")
def acorn_folder(acorn_model: TrainedModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The artifact of Acorn's model: environment 7, version V1."""
    folder = tmp_path_factory.mktemp("artifacts") / "7" / "V1"
    write_artifact(
        folder=folder,
        model=acorn_model,
        environment_id=7,
        version="V1",
        change_seq=41,
        created_at=datetime(2026, 1, 2, tzinfo=UTC),
    )
    return folder


@pytest.fixture
def acorn_artifact(acorn_folder: Path) -> Artifact:
    return open_artifact(acorn_folder, verify=True)
