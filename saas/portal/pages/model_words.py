"""Says in a shop owner's words what a training left in numbers and names of ours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from engine.core.gate import ENOUGH_TEST_USERS
from engine.core.recipe import PARTS
from engine.selectors.models import Model

DAY: Final = "%-d %B %Y"
# A model of older behaviour serves what shoppers wanted then.
_STALE: Final = timedelta(days=30)
_PART_WORDS: Final = {
    "popular": "What is popular",
    "item_knn": "Chosen by the same shoppers (item to item)",
    "rp3": "Chosen by the same shoppers (random walk)",
    "ease": "Chosen by the same shoppers (EASE)",
    "gfcf": "Chosen by the same shoppers (graph filter)",
    "co_visits": "What shoppers turn to next",
    "content": "Alike in category, brand and attributes",
    "taste": "The shopper's taste (LightFM)",
    "factors": "The shopper's taste (singular vectors)",
    "category_popular": "Popular in the same categories",
    "own": "What the shopper has chosen before",
}
_TYPE_WORDS: Final = {
    "home": "For a shopper",
    "similar": "Similar",
    "cart": "Cart",
    "buy_again": "Buy again",
    "new_items": "New items",
}
_METRIC_WORDS: Final = {
    "ndcg": "NDCG: how far up the list stands what shoppers then turned to",
    "recall": "Recall: share of what they turned to that the list holds",
    "hit_rate": "Shoppers with at least one hit in the list",
    "mrr": "Reciprocal rank of the first hit",
    "coverage": "Share of the catalogue that stands in anybody's list",
    "popular_share": "Share of the list that is among the most popular",
}


@dataclass(frozen=True, slots=True)
class RecipePart:
    """A part of the blend: what it goes by, how it is set, and what it weighs in percent."""

    name: str
    settings: str
    weights: list[float | None]


@dataclass(frozen=True, slots=True)
class Figure:
    """A metric of the model and its rivals; the first of a kind says in words what it is."""

    name: str
    words: str
    model: Mapping[str, float] | None
    rivals: list[Mapping[str, float] | None]


def moment(seconds: float) -> datetime:
    """Return the moment of a report."""
    return datetime.fromtimestamp(seconds, UTC)


def recipe_types(model: Model) -> list[str]:
    """Return the recommendation types that have weights of their own, in words."""
    return [_TYPE_WORDS.get(name, name) for name in _weights(model)]


def recipe_parts(model: Model) -> list[RecipePart]:
    """Return the parts of a version's blend, by what they weigh for a shopper."""
    by_type = _weights(model)
    parts = []
    for name, field in PARTS.items():
        settings = model.parameters.get(field)
        if settings is None:
            continue
        words = " · ".join(
            f"{each.replace('_', ' ')} {'all' if value is None else value}"
            for each, value in settings.items()
        )
        weights = [_percent(name, each) for each in by_type.values()]
        parts.append(RecipePart(_PART_WORDS[name], words, weights))
    return sorted(parts, key=lambda part: -max((w or 0 for w in part.weights[:1]), default=0))


def figures(model: Model) -> list[Figure]:
    """Return every metric of a version beside those of popularity and of the live recipe."""
    rivals = [model.baselines.get(name, {}) for name in ("popular", "item_knn", "champion")]
    found = []
    for kind, words in _METRIC_WORDS.items():
        names = [name for name in model.metrics if name.partition("@")[0] == kind]
        for place, name in enumerate(sorted(names, key=_length)):
            measured = [each.get(name) for each in rivals]
            found.append(Figure(name, "" if place else words, model.metrics[name], measured))
    return found


def warnings_of(model: Model) -> list[str]:
    """Return what to know before trusting a version's figures, or serving it."""
    found = []
    users = model.counts.get("test_users", 0)
    if users < ENOUGH_TEST_USERS:
        found.append(
            f"Only {users} shoppers came back for something new, and {ENOUGH_TEST_USERS} are "
            "needed for a proof: the figures are rough. More events make them surer."
        )
    ndcg, popular = (
        each.get("ndcg@10", {}).get("value")
        for each in (model.metrics, model.baselines.get("popular", {}))
    )
    if ndcg is not None and popular is not None and ndcg <= popular:
        found.append("On these shoppers it was not better than a list of what is popular lately.")
    age = model.trained_at - moment(model.data_window["last"])
    if age > _STALE:
        found.append(
            f"Its newest event was {age.days} days old when it was trained: send events as they "
            "happen, so that it knows what shoppers want now."
        )
    if model.parent is not None:
        found.append(
            f"It brought version {model.parent} up to date between two trainings; the figures "
            "are those of that training."
        )
    if not model.is_servable:
        found.append("Its files were removed to make room, so it can be read about but not served.")
    return found


def stage_words(stage: str) -> str:
    """Return what a training does, in words.

    >>> stage_words("selecting, lightfm epoch 12 of 42")
    'Choosing settings (lightfm epoch 12 of 42)'
    """
    word, _, detail = stage.partition(", ")
    words = _STAGES.get(word, word.capitalize())
    return f"{words} ({detail})" if detail else words


_STAGES: Final = {
    "": "Waiting for a worker",
    "reading": "Reading events and catalogue",
    "preparing": "Cutting off the newest events for the test",
    "selecting": "Choosing settings",
    "blending": "Weighing the parts against each other",
    "evaluating": "Testing on the newest events",
    "fitting": "Learning from all events",
    "updating": "Learning from the newest events",
    "checking": "Checking the model before it may be served",
    "writing": "Writing the model",
    "nothing new": "Nothing new to learn from",
}


def _length(name: str) -> int:
    return int(name.partition("@")[2] or 0)


def _weights(model: Model) -> dict[str, Mapping[str, float]]:
    parameters: Mapping[str, Any] = model.parameters
    home = parameters.get("weights", {})
    return {"home": home, **parameters.get("type_weights", {})} if home else {}


def _percent(name: str, weights: Mapping[str, float]) -> float | None:
    total = sum(abs(weight) for weight in weights.values())
    return 100 * weights[name] / total if total and name in weights else None
