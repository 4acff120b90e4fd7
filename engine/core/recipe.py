"""A recipe: the settings and blend weights that the trainer chose, enough to train them again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Self

RECIPE_FORMAT = 2

# How shoppers are met, each with blend weights of its own; ``home`` stands in for the others.
RecommendationType = Literal["home", "similar", "cart", "buy_again", "new_items"]


@dataclass(frozen=True)
class PopularitySettings:
    """Count what the newest ``window_days`` days brought; None counts all of history."""

    window_days: int | None


@dataclass(frozen=True)
class ItemKnnSettings:
    """Cosine of items' users; ``shrinkage`` damps what few of them share, age halves a pair."""

    neighbours: int
    shrinkage: float
    half_life_days: float | None


@dataclass(frozen=True)
class Rp3Settings:
    """A random walk over users; ``beta`` damps popular items."""

    neighbours: int
    beta: float
    half_life_days: float | None


@dataclass(frozen=True)
class EaseSettings:
    """EASE^R with L2 ``regularisation``, kept as the largest ``neighbours`` weights of a row."""

    neighbours: int
    regularisation: float
    half_life_days: float | None


@dataclass(frozen=True)
class GfcfSettings:
    """Graph filter with ``dimensions`` singular vectors, the largest ``neighbours`` of a row.

    Age halves a pair.
    """

    neighbours: int
    dimensions: int
    half_life_days: float | None = None


@dataclass(frozen=True)
class CoVisitsSettings:
    """What follows within ``window`` steps of a user; age halves a step."""

    neighbours: int
    window: int
    half_life_days: float | None


@dataclass(frozen=True)
class FactorsSettings:
    """Singular vectors of the user-item graph, regressed on features with L2 ``ridge``."""

    dimensions: int
    ridge: float


@dataclass(frozen=True)
class CategoryPopularitySettings:
    """The ``neighbours`` most popular items of a category in the newest ``window_days``."""

    neighbours: int
    window_days: int | None


@dataclass(frozen=True)
class OwnHistorySettings:
    """A user's own items; the history's weights are all there is to it."""


@dataclass(frozen=True)
class ContentSettings:
    """Cosine similarity of tf-idf item features."""

    neighbours: int


@dataclass(frozen=True)
class LightFMSettings:
    """LightFM WARP over identity and features, then a few epochs on the newest events alone.

    Attributes
    ----------
    knows_popularity : bool
        Whether what is popular is in the vectors, or left to other parts of the blend.
    max_sampled : int
        How many items are drawn in search of one that ranks too high.
    """

    dimensions: int
    learning_rate: float
    item_alpha: float
    feature_weight: float
    epochs: int
    newest_share: float
    newest_epochs: int
    half_life_days: float | None
    # What recipes meant before these were choices.
    knows_popularity: bool = False
    max_sampled: int = 10


@dataclass(frozen=True)
class UpdateSettings:
    """How a model of this recipe is kept up to date: LightFM's epochs on new events alone."""

    epochs: int


# Of what is fitted anew each time; LightFM can go on from where it was.
PlainSettings = (
    PopularitySettings
    | ItemKnnSettings
    | Rp3Settings
    | EaseSettings
    | GfcfSettings
    | CoVisitsSettings
    | FactorsSettings
    | CategoryPopularitySettings
    | OwnHistorySettings
    | ContentSettings
)
Settings = PlainSettings | LightFMSettings


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
        Blend weights of the per-user z-scores on the home page; an absent part weighs nothing.
    type_weights : mapping of recommendation type to weights
        Of the other types; a type that is absent has none of its own.
    seed : int
        Of every random number drawn while fitting.
    update : UpdateSettings or None
        None where updates between trainings were not shown to help. No part of what is compared.
    """

    popularity: PopularitySettings
    history_half_life_days: float | None
    item_knn: ItemKnnSettings
    content: ContentSettings
    rp3: Rp3Settings | None = None
    ease: EaseSettings | None = None
    gfcf: GfcfSettings | None = None
    co_visits: CoVisitsSettings | None = None
    factors: FactorsSettings | None = None
    category_popularity: CategoryPopularitySettings | None = None
    own: OwnHistorySettings | None = None
    lightfm: LightFMSettings | None = None
    weights: Mapping[str, float] = field(default_factory=dict)
    type_weights: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    seed: int = 0
    update: UpdateSettings | None = field(default=None, compare=False)

    @property
    def settings(self) -> list[Settings]:
        """The settings of all parts, in the blend's order."""
        chosen = (getattr(self, name) for name in PARTS.values())
        return [settings for settings in chosen if settings is not None]

    def to_dict(self) -> dict[str, Any]:
        """Return the recipe as JSON-ready values; `from_dict` reads it back."""
        values = asdict(self)
        values["weights"] = dict(self.weights)
        values["type_weights"] = {name: dict(w) for name, w in self.type_weights.items()}
        return {"format": RECIPE_FORMAT, **values}

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
        parts: dict[str, Any] = {
            name: _SETTINGS[name](**values[name]) if values[name] is not None else None
            for name in PARTS.values()
        }
        return cls(
            **parts,
            history_half_life_days=values["history_half_life_days"],
            weights=values["weights"],
            type_weights=values["type_weights"],
            seed=values["seed"],
            update=UpdateSettings(**values["update"]) if values.get("update") else None,
        )


# The name that a fitted part bears, and the recipe's field with its settings, in blend order.
PARTS = {
    "popular": "popularity",
    "item_knn": "item_knn",
    "rp3": "rp3",
    "ease": "ease",
    "gfcf": "gfcf",
    "co_visits": "co_visits",
    "content": "content",
    "taste": "lightfm",
    "factors": "factors",
    "category_popular": "category_popularity",
    "own": "own",
}
_SETTINGS: dict[str, Any] = {
    "popularity": PopularitySettings,
    "item_knn": ItemKnnSettings,
    "rp3": Rp3Settings,
    "ease": EaseSettings,
    "gfcf": GfcfSettings,
    "co_visits": CoVisitsSettings,
    "content": ContentSettings,
    "lightfm": LightFMSettings,
    "factors": FactorsSettings,
    "category_popularity": CategoryPopularitySettings,
    "own": OwnHistorySettings,
}
