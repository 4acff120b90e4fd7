"""Makes the lists of an export of recommendations: the live model on what is known now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from engine.core.artifact import Artifact
from engine.core.batch_ranking import NO_GROUP, Assortment, Audience, rank_users
from engine.core.dataset import CatalogueItem, Interactions
from engine.core.histories import user_histories, user_rows
from engine.core.training_part import aggregate_pairs
from engine.selectors.export_rows import ExportPage
from engine.selectors.training_data import training_data

USERS_AT_ONCE = 1_000
_USER = "u:"


@dataclass(frozen=True)
class RecommendationRows:
    """Who gets a list, of what, by which model.

    Attributes
    ----------
    user_ids
        In the order of the file.
    users : int64[n]
        Their rows in the audience, -1 for who has none.
    """

    artifact: Artifact
    audience: Audience
    assortment: Assortment
    user_ids: Sequence[str]
    users: NDArray[np.int64]
    limit: int

    @property
    def total(self) -> int:
        """The most rows that the file may have."""
        return len(self.user_ids) * self.limit

    def page(self, after: int | None) -> ExportPage:
        """Return the rows of some users, those from a place in their order on."""
        start = after or 0
        stop = start + USERS_AT_ONCE
        lists = rank_users(
            self.artifact,
            self.audience,
            self.assortment,
            users=self.users[start:stop],
            limit=self.limit,
        )
        rows = [
            {
                "user_id": user_id,
                "rank": rank,
                "item_id": self.artifact.item_id(row),
                "score": Decimal(f"{score:.4f}"),
                "strategy": ranked.strategy,
            }
            for user_id, ranked in zip(self.user_ids[start:stop], lists, strict=True)
            for rank, (row, score) in enumerate(
                zip(ranked.rows.tolist(), ranked.scores.tolist(), strict=True), start=1
            )
        ]
        return ExportPage(rows, stop if stop < len(self.user_ids) else None)


def recommendation_rows(
    artifact: Artifact, *, user_ids: Sequence[str] | None, limit: int
) -> RecommendationRows:
    """Read, inside `in_environment`, what lists are made of: all events and the catalogue of now.

    Parameters
    ----------
    user_ids
        Who gets a list; None for every user with a profile. Who objected to personal answers has
        none, and gets what is popular when named.
    limit
        Most items of a list.
    """
    data = training_data().dataset
    item_rows = np.array([_row(artifact, item.item_id) for item in data.items], dtype=np.int32)
    audience = _audience(data.interactions, item_rows, artifact, n_users=len(data.user_keys))
    row_of = {
        key.removeprefix(_USER): row
        for row, key in enumerate(data.user_keys)
        if key.startswith(_USER)
    }
    if user_ids is None:
        has_history = np.diff(audience.histories.indptr) > 0
        user_ids = sorted(user_id for user_id, row in row_of.items() if has_history[row])
    return RecommendationRows(
        artifact=artifact,
        audience=audience,
        assortment=_assortment(data.items, item_rows, n_items=artifact.n_items),
        user_ids=user_ids,
        users=np.array([row_of.get(user_id, -1) for user_id in user_ids], dtype=np.int64),
        limit=limit,
    )


def _row(artifact: Artifact, item_id: str) -> int:
    row = artifact.item_row(item_id)
    return -1 if row is None else row


def _audience(
    lines: Interactions, item_rows: NDArray[np.int32], artifact: Artifact, *, n_users: int
) -> Audience:
    rows = item_rows[lines.item_index]
    known = rows >= 0
    lines = lines.take(known)
    pairs = aggregate_pairs(
        Interactions(
            user_index=lines.user_index,
            item_index=rows[known],
            weight=lines.weight,
            # As a call sees it: what came after the training is as young as its newest event.
            seconds=np.minimum(lines.seconds, artifact.newest_seconds),
            is_purchase=lines.is_purchase,
        ),
        n_items=artifact.n_items,
    )
    return Audience(
        histories=user_histories(pairs, n_users=n_users),
        purchased=user_rows(pairs.take(pairs.is_purchase), n_users=n_users),
    )


def _assortment(
    items: Sequence[CatalogueItem], item_rows: NDArray[np.int32], *, n_items: int
) -> Assortment:
    is_available = np.zeros(n_items, dtype=np.bool_)
    groups = np.full(n_items, NO_GROUP, dtype=np.int32)
    numbers: dict[str, int] = {}
    for item, row in zip(items, item_rows.tolist(), strict=True):
        if row >= 0:
            is_available[row] = item.is_available
            if item.group_id is not None:
                groups[row] = numbers.setdefault(item.group_id, len(numbers))
    return Assortment(is_available=is_available, groups=groups)
