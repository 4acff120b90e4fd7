"""From a recipe to a fitted blend; a part that two recipes share is fitted once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from engine.core.blend import Blend
from engine.core.learning_curve import LearningCurve
from engine.core.parts import Part
from engine.core.recipe import (
    CategoryPopularitySettings,
    ContentSettings,
    CoVisitsSettings,
    EaseSettings,
    FactorsSettings,
    GfcfSettings,
    ItemKnnSettings,
    LightFMSettings,
    OwnHistorySettings,
    PlainSettings,
    PopularitySettings,
    Recipe,
    Rp3Settings,
    Settings,
)
from engine.core.recommenders.category_popularity import CategoryPopularity
from engine.core.recommenders.co_visits import CoVisits
from engine.core.recommenders.content import Content
from engine.core.recommenders.ease import Ease
from engine.core.recommenders.factors import Factors
from engine.core.recommenders.gfcf import Gfcf
from engine.core.recommenders.item_knn import ItemKnn
from engine.core.recommenders.lightfm_hybrid import LightFMHybrid, Taste
from engine.core.recommenders.own_history import OwnHistory
from engine.core.recommenders.popularity import Popularity
from engine.core.recommenders.protocol import FitContext, Recommender
from engine.core.recommenders.rp3 import Rp3
from engine.core.recommenders.taste_state import TasteState
from engine.core.training_part import TrainingPart


@dataclass(frozen=True)
class Workbench:
    """A training part with the parts fitted on it so far.

    ``report_epoch`` receives the number of LightFM's epochs done, and of all; ``states`` are what
    each LightFM that was fitted can go on from, and ``curves`` how those of a search learnt.
    """

    part: TrainingPart
    context: FitContext
    report_epoch: Callable[[int, int], None]
    fitted: dict[Settings, Part] = field(default_factory=dict)
    states: dict[LightFMSettings, TasteState] = field(default_factory=dict)
    curves: list[LearningCurve] = field(default_factory=list)

    def fit(self, settings: Settings) -> Part:
        """Return the settings' part, fitted now or before."""
        if settings not in self.fitted:
            if isinstance(settings, LightFMSettings):
                hybrid = LightFMHybrid(settings, self.report_epoch)
                self.keep_taste(settings, hybrid.learn(self.part, self.context))
            else:
                self.fitted[settings] = self._recommender(settings).fit(self.part, self.context)
        return self.fitted[settings]

    def keep_taste(self, settings: LightFMSettings, taste: Taste) -> None:
        """Take in what LightFM has learnt on this part."""
        self.fitted[settings] = taste.part
        self.states[settings] = taste.state

    def blend(self, recipe: Recipe) -> Blend:
        """Return the recipe's parts, all fitted on this part, with its weights."""
        return Blend(
            parts=tuple(self.fit(settings) for settings in recipe.settings),
            weights=recipe.weights,
            type_weights=recipe.type_weights,
        )

    def _recommender(self, settings: PlainSettings) -> Recommender:  # noqa: C901 - one a kind
        match settings:
            case PopularitySettings():
                return Popularity(settings)
            case ItemKnnSettings():
                return ItemKnn(settings)
            case Rp3Settings():
                return Rp3(settings)
            case EaseSettings():
                return Ease(settings)
            case GfcfSettings():
                return Gfcf(settings)
            case CoVisitsSettings():
                return CoVisits(settings)
            case FactorsSettings():
                return Factors(settings)
            case CategoryPopularitySettings():
                return CategoryPopularity(settings)
            case OwnHistorySettings():
                return OwnHistory()
            case ContentSettings():
                return Content(settings)
