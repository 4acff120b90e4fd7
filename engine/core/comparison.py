"""Two models side by side: what they would show the same shoppers, and which one finds more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.core.artifact import Artifact
from engine.core.evaluator import NDCG_AT, RECALL_AT
from engine.core.histories import history_weights
from engine.core.metrics import Metric, bootstrap, ndcg, recall
from engine.core.parts import HistoryBatch
from engine.core.recency import DAY_SECONDS
from engine.core.top_rows import top_rows

# Somebody waits for the answer: this many shoppers of two catalogues of 10,000 take half a second.
_MOST_USERS = 200
_MOST_SCORES = 4_000_000
_LEAST_USERS = 20
# Enough to see whether lists differ (DESIGN 8.3).
_CANARIES = 50
_SAMPLES = 5
_SAMPLED_HISTORY = 10
_METRICS = (f"ndcg@{NDCG_AT}", f"recall@{RECALL_AT}", f"hit_rate@{NDCG_AT}")


@dataclass(frozen=True)
class Difference:
    """A metric's means under two models, and the paired difference: the first minus the second."""

    a: float
    b: float
    difference: Metric


@dataclass(frozen=True)
class Sample:
    """What one shopper turned to last, oldest first, and would be shown by either model."""

    user_key: str
    history: Sequence[str]
    a: Sequence[str]
    b: Sequence[str]


@dataclass(frozen=True)
class Comparison:
    """How two models differ.

    Attributes
    ----------
    users : int
        Who turned to something new after both were trained: what ``metrics`` are means of.
    metrics : mapping of str to Difference
        Empty without such users.
    overlap_users : int
        Whose lists were laid side by side.
    overlap : Metric
        Share of the ten that both lists have.
    samples : sequence of Sample
    """

    users: int
    metrics: Mapping[str, Difference]
    overlap_users: int
    overlap: Metric
    samples: Sequence[Sample]


def compare_models(
    a: Artifact, b: Artifact, *, finds: Mapping[str, Set[str]], seed: int
) -> Comparison:
    """Lay two models' lists for the same shoppers side by side.

    Both meet the histories of the one that knows more, and neither has trained on the finds.

    Parameters
    ----------
    a, b : Artifact
    finds : mapping of user key to item ids
        What shoppers turned to after both models' newest events.
    seed : int
        Of the sample of shoppers and of the intervals.
    """
    knowing = max(a, b, key=lambda model: model.newest_seconds)
    keys = _sampled_keys(knowing, finds, most=_affordable(a, b), seed=seed)
    shoppers = [shopper for key in keys if (shopper := _Shopper.of(key, knowing)).history]
    lists = [(shopper.list_of(a), shopper.list_of(b)) for shopper in shoppers]
    marks = [
        [_marks(listed, wanted) for listed in both]
        for shopper, both in zip(shoppers, lists, strict=True)
        if (wanted := _attainable(finds.get(shopper.key, set()) - shopper.met, a, b))
    ]
    alike = [len(set(x[:NDCG_AT]) & set(y[:NDCG_AT])) / NDCG_AT for x, y in lists]
    return Comparison(
        users=len(marks),
        metrics=_differences(np.array(marks), seed=seed) if marks else {},
        overlap_users=len(lists),
        overlap=bootstrap(np.array(alike), seed=seed),
        samples=[
            Sample(shopper.key, shopper.history[-_SAMPLED_HISTORY:], x[:NDCG_AT], y[:NDCG_AT])
            for shopper, (x, y) in zip(shoppers[:_SAMPLES], lists, strict=False)
        ],
    )


def _differences(marks: NDArray[np.float64], *, seed: int) -> dict[str, Difference]:
    return {
        name: Difference(
            a=float(of_a.mean()),
            b=float(of_b.mean()),
            difference=bootstrap(of_a - of_b, seed=seed),
        )
        for name, (of_a, of_b) in zip(_METRICS, marks.transpose(2, 1, 0), strict=True)
    }


def _affordable(a: Artifact, b: Artifact) -> int:
    return max(_LEAST_USERS, min(_MOST_USERS, _MOST_SCORES // (a.n_items + b.n_items + 1)))


def _sampled_keys(
    knowing: Artifact, finds: Mapping[str, Set[str]], *, most: int, seed: int
) -> list[str]:
    """Return those with finds first, then others up to the number of canaries."""
    rng = np.random.default_rng(seed)
    finders = sorted(key for key in finds if knowing.user_keys.find(key) is not None)
    drawn = [finders[place] for place in rng.permutation(len(finders))[:most]]
    rows = rng.permutation(knowing.n_users)[: _CANARIES + len(drawn)]
    others = [key for row in rows.tolist() if (key := knowing.user_keys[row]) not in finds]
    return drawn + others[: max(0, min(most, _CANARIES) - len(drawn))]


@dataclass(frozen=True)
class _Shopper:
    key: str
    history: Sequence[str]
    weights: NDArray[np.float32]
    age_days: NDArray[np.float64]
    met: Set[str]

    @classmethod
    def of(cls, key: str, model: Artifact) -> _Shopper:
        lines = model.history(key)
        ids = [model.item_id(row) for row, _, _ in lines]
        bought = [model.item_id(row) for row in model.purchased(key).tolist()]
        seconds = np.array([at for _, _, at in lines], dtype=np.float64)
        return cls(
            key=key,
            history=ids,
            weights=np.array([weight for _, weight, _ in lines], dtype=np.float32),
            age_days=(model.newest_seconds - seconds) / DAY_SECONDS,
            met={*ids, *bought},
        )

    def list_of(self, model: Artifact) -> list[str]:
        """Return the ids of what a model would show, best first."""
        rows = np.array([_row(model, item_id) for item_id in self.history], dtype=np.int32)
        is_known = rows >= 0
        allowed = np.asarray(model.popularity) > 0
        allowed[[row for row in (_row(model, each) for each in self.met) if row >= 0]] = False
        scores = np.asarray(model.popularity)
        if is_known.any():
            weights = history_weights(
                self.weights[is_known], self.age_days[is_known], model.history_half_life_days
            )
            indptr = np.array([0, len(weights)], dtype=np.int64)
            scores = model.blend.scores(HistoryBatch(indptr, rows[is_known], weights))[0]
        listed = top_rows(scores, allowed=allowed, limit=RECALL_AT)
        return [model.item_id(row) for row in listed.tolist()]


def _row(model: Artifact, item_id: str) -> int:
    row = model.item_row(item_id)
    return -1 if row is None else row


def _attainable(wanted: Set[str], a: Artifact, b: Artifact) -> Set[str]:
    return {
        item_id
        for item_id in wanted
        for model in (a, b)
        if (row := model.item_row(item_id)) is not None and model.popularity[row] > 0
    }


def _marks(listed: Sequence[str], wanted: Set[str]) -> tuple[float, float, float]:
    hits = np.array([item_id in wanted for item_id in listed], dtype=np.bool_)
    first = hits[:NDCG_AT]
    return ndcg(first, relevant=len(wanted)), recall(hits, relevant=len(wanted)), float(first.any())
