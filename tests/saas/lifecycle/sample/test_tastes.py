"""A small evaluator of its own shows that the sample stores' shoppers have tastes to learn."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from saas.lifecycle.sample import visits as sample_visits
from saas.lifecycle.sample.book_store import ACORN_BOOKS
from saas.lifecycle.sample.shoe_store import BIRCH_SHOES
from saas.lifecycle.sample.store import FULL, SampleSize, SampleStore, make_sample_store

ENDS_AT = datetime(2026, 5, 31, 18, tzinfo=UTC)
MEDIUM = SampleSize(items=600, shoppers=1_200, visits=6_000)
WEIGHTS = {"view": 1.0, "wishlist": 2.0, "cart": 3.0, "purchase": 5.0}
Table = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Cut:
    """What happened in the first 80 % of the events, and what shoppers found new after it."""

    items: list[dict[str, Any]]
    # (shoppers, items) weights before the cut.
    history: Table
    found_later: npt.NDArray[np.bool_]
    # Counts of the items in the 7, 14, 30 and 60 days before the cut.
    popularity: Mapping[int, Table]

    @property
    def judged(self) -> npt.NDArray[np.intp]:
        return np.flatnonzero(self.found_later.any(axis=1) & (self.history > 0).any(axis=1))


def cut_in_time(store: SampleStore) -> Cut:
    items = list(store.items())
    events = list(store.events())
    row = {item["id"]: position for position, item in enumerate(items)}
    shoppers: dict[str, int] = {}
    cut = events[len(events) * 4 // 5]["ts"]
    windows = {
        days: (datetime.fromisoformat(cut) - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")
        for days in (7, 14, 30, 60)
    }
    popularity = {days: np.zeros(len(items)) for days in windows}
    history = np.zeros((len(store.shoppers), len(items)))
    later = np.zeros_like(history)
    for event in events:
        if "user_id" not in event:
            continue
        who = shoppers.setdefault(event["user_id"], len(shoppers))
        touched = [line["id"] for line in event.get("items", [])] or [event["item_id"]]
        for item_id in touched:
            table = history if event["ts"] < cut else later
            table[who, row[item_id]] += WEIGHTS[event["type"]]
            for days, since in windows.items():
                popularity[days][row[item_id]] += since <= event["ts"] < cut
    return Cut(items, history, (later > 0) & (history == 0), popularity)


def ndcg_at_10(cut: Cut, scores: Table) -> float:
    """Mean NDCG@10 over the judged shoppers, what they know already left out."""
    found = cut.found_later[cut.judged]
    order = np.argsort(-np.where(cut.history[cut.judged] > 0, -np.inf, scores), axis=1)[:, :10]
    discount = 1 / np.log2(np.arange(2, order.shape[1] + 2))
    gained = np.take_along_axis(found, order, axis=1) @ discount
    best = np.cumsum(discount)[np.minimum(found.sum(axis=1), len(discount)) - 1]
    return float((gained / best).mean())


def recall_at_20(cut: Cut, scores: Table) -> float:
    found = cut.found_later[cut.judged]
    order = np.argsort(-np.where(cut.history[cut.judged] > 0, -np.inf, scores), axis=1)[:, :20]
    return float((np.take_along_axis(found, order, axis=1).sum(axis=1) / found.sum(axis=1)).mean())


def by_best_popularity(cut: Cut, metric: Callable[[Cut, Table], float]) -> float:
    """The window is chosen with the answers in hand: no honest popularity is better."""
    shape = (len(cut.judged), 1)
    return max(metric(cut, np.tile(counts, shape)) for counts in cut.popularity.values())


def by_item_to_item(cut: Cut) -> Table:
    """Cosine of the items' columns of shoppers, summed over the shopper's history."""
    touched = (cut.history > 0).astype(np.float32)
    length = np.sqrt(touched.sum(axis=0)) + 1e-9
    cosine = (touched.T @ touched) / np.outer(length, length)
    np.fill_diagonal(cosine, 0)
    return np.asarray(np.log1p(cut.history[cut.judged]) @ cosine)


def by_content(cut: Cut) -> Table:
    """Share of the history with the item's category, brand and style, some popularity for ties."""
    history = np.log1p(cut.history[cut.judged])
    history = history / history.sum(axis=1, keepdims=True)
    scores = np.tile(0.05 * np.log1p(cut.popularity[30]), (len(history), 1))
    for features in (
        [item["categories"][0] for item in cut.items],
        [item["brand"] for item in cut.items],
        [item["attributes"].get("mood", item["attributes"].get("style")) for item in cut.items],
    ):
        member = np.equal.outer(np.array(features), np.unique(np.array(features))).astype(float)
        scores = scores + (history @ member) @ member.T
    return scores


@pytest.fixture(scope="module", params=[ACORN_BOOKS, BIRCH_SHOES], ids=lambda spec: spec.slug)
def cut(request: pytest.FixtureRequest) -> Cut:
    return cut_in_time(make_sample_store(spec=request.param, size=FULL, ends_at=ENDS_AT, seed=7))


def test_the_metric_counts_as_by_hand() -> None:
    cut = Cut(
        items=[],
        history=np.array([[1.0, 0.0, 0.0, 0.0]]),
        found_later=np.array([[False, False, True, True]]),
        popularity={},
    )
    # Item 0 is known and left out; what was found stands at ranks 1 and 3 of 1, 2, 3.
    gained, best = 1 + 1 / np.log2(4), 1 + 1 / np.log2(3)
    assert ndcg_at_10(cut, np.array([[9.0, 2.0, 3.0, 1.0]])) == pytest.approx(gained / best)


def test_what_similar_shoppers_like_ranks_clearly_better_than_popularity(cut: Cut) -> None:
    assert len(cut.judged) > 500
    scores = by_item_to_item(cut)
    assert ndcg_at_10(cut, scores) > 1.5 * by_best_popularity(cut, ndcg_at_10)
    assert recall_at_20(cut, scores) > 1.4 * by_best_popularity(cut, recall_at_20)


def test_content_alone_ranks_better_than_popularity(cut: Cut) -> None:
    assert ndcg_at_10(cut, by_content(cut)) > 1.25 * by_best_popularity(cut, ndcg_at_10)


def test_content_finds_the_shoppers_of_items_nobody_had_seen(cut: Cut) -> None:
    unseen = cut.history.sum(axis=0) == 0
    found = cut.found_later[cut.judged][:, unseen]
    scores = by_content(cut)[:, unseen][found.any(axis=1)]
    found = found[found.any(axis=1)]
    assert found.sum() > 50
    # The share of unseen items that score below the ones found, ties half: 0.5 would be chance.
    below = (scores[:, None, :] < scores[:, :, None]).mean(axis=2)
    equal = (scores[:, None, :] == scores[:, :, None]).mean(axis=2)
    assert (below + equal / 2)[found].mean() > 0.62


def test_shoppers_without_tastes_are_told_apart_by_the_evaluator(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sample_visits, "TASTE_STRENGTH", 0.0)
    cut = cut_in_time(make_sample_store(spec=ACORN_BOOKS, size=MEDIUM, ends_at=ENDS_AT, seed=7))
    assert ndcg_at_10(cut, by_item_to_item(cut)) < by_best_popularity(cut, ndcg_at_10)
