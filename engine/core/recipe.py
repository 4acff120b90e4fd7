"""A recipe: the settings and blend weights that the trainer chose, enough to train them again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

RECIPE_FORMAT = 1


@dataclass(frozen=True)
class PopularitySettings:
    """Count what the newest ``window_days`` days brought; None counts all of history."""

    window_days: int | None


@dataclass(frozen=True)
class ItemKnnSettings:
    """Cosine of item columns; ``shrinkage`` damps what few users share, age halves a pair."""

    neighbours: int
    shrinkage: float
    half_life_days: float | None


@dataclass(frozen=True)
class EaseSettings:
    """EASE^R with L2 ``regularisation``, kept as the largest ``neighbours`` weights of a row."""

    neighbours: int
    regularisation: float
    half_life_days: float | None


@dataclass(frozen=True)
class ContentSettings:
    """Cosine similarity of tf-idf item features."""

    neighbours: int


@dataclass(frozen=True)
class LightFMSettings:
    """LightFM WARP over identity and features, then a few epochs on the newest events alone."""

    dimensions: int
    learning_rate: float
    item_alpha: float
    feature_weight: float
    epochs: int
    newest_share: float
    newest_epochs: int
    half_life_days: float | None


@dataclass(frozen=True)
class Recipe:
    """What to fit and how to blend it.

    Popularity, item-item and content are always fitted: popular and similar items need them,
    whatever they weigh.

    Attributes
    ----------
    history_half_life_days : float or None
        Age at which an interaction counts half in a user's history; None counts all alike.
    weights : mapping of part name to float
        Blend weights of the per-user z-scores; a part that is absent weighs nothing.
    seed : int
        Of every random number drawn while fitting.
    """

    popularity: PopularitySettings
    history_half_life_days: float | None
    item_knn: ItemKnnSettings
    content: ContentSettings
    ease: EaseSettings | None = None
    lightfm: LightFMSettings | None = None
    weights: Mapping[str, float] = field(default_factory=dict)
    seed: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return the recipe as JSON-ready values; `from_dict` reads it back."""
        return {"format": RECIPE_FORMAT, **asdict(self), "weights": dict(self.weights)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Read what `to_dict` wrote.

        Raises
        ------
        ValueError
            When it was written by another format of recipe.
        """
        if values.get("format") != RECIPE_FORMAT:
            raise ValueError(
                f"The recipe has format {values.get('format')!r}; this version reads "
                f"{RECIPE_FORMAT}: train without a champion."
            )

        def settings(name: str, kind: type) -> Any:
            return kind(**values[name]) if values[name] is not None else None

        return cls(
            popularity=settings("popularity", PopularitySettings),
            history_half_life_days=values["history_half_life_days"],
            item_knn=settings("item_knn", ItemKnnSettings),
            ease=settings("ease", EaseSettings),
            content=settings("content", ContentSettings),
            lightfm=settings("lightfm", LightFMSettings),
            weights=dict(values["weights"]),
            seed=values["seed"],
        )
