"""The examination on the test window: recipes beside baselines, all trained on the same cut."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.core.blend import Blend
from engine.core.evaluator import NDCG_AT, Evaluation, evaluate
from engine.core.examination import Examination
from engine.core.fitting import Workbench
from engine.core.gate import ChampionComparison
from engine.core.metrics import Metric, bootstrap, share
from engine.core.popularity_deciles import decile_of_items
from engine.core.recipe import Recipe, Settings


@dataclass(frozen=True)
class Contest:
    """Everything that is measured on the test window, none of which training saw.

    Attributes
    ----------
    challenger, popular, item_knn : Evaluation
        The chosen recipe; the best popularity window alone; its item-item part alone.
    champion : Evaluation or None
        The champion's recipe.
    decile_of : int64[n_items]
        Of the active items' popularity, 1 for the tenth that most users turned to.
    """

    challenger: Evaluation
    popular: Evaluation
    item_knn: Evaluation
    champion: Evaluation | None
    decile_of: NDArray[np.int64]
    seed: int

    def gain_over_popular(self, evaluation: Evaluation) -> Metric:
        """Return the paired difference of NDCG@10 to popularity."""
        return bootstrap(evaluation.ndcg - self.popular.ndcg, seed=self.seed)

    def comparison(
        self, evaluation: Evaluation, *, is_same_recipe: bool
    ) -> ChampionComparison | None:
        """Return an evaluation against the champion's, None without a champion."""
        if self.champion is None:
            return None
        return ChampionComparison(
            gain=bootstrap(evaluation.ndcg - self.champion.ndcg, seed=self.seed),
            recall_ratio=_ratio(_mean(evaluation.recall), _mean(self.champion.recall)),
            coverage_ratio=_ratio(evaluation.coverage, self.champion.coverage),
            is_same_recipe=is_same_recipe,
        )

    def metrics(self, evaluation: Evaluation) -> dict[str, Metric]:
        """Return an evaluation's metrics with intervals, and the bias towards what is popular."""
        shown = int(evaluation.shown.sum())
        of_head = int(evaluation.shown[self.decile_of == 1].sum())
        bias = share(of_head, of=shown, seed=self.seed) if shown else Metric(0.0, 0.0, 0.0)
        return {**evaluation.metrics(seed=self.seed), f"popular_share@{NDCG_AT}": bias}

    def baselines(self) -> dict[str, dict[str, Metric]]:
        """Return the metrics of ``popular``, ``item_knn`` and, if there is one, ``champion``."""
        named = {"popular": self.popular, "item_knn": self.item_knn, "champion": self.champion}
        return {name: self.metrics(it) for name, it in named.items() if it is not None}


def hold_contest(
    bench: Workbench, exam: Examination, *, challenger: Recipe, champion: Recipe | None
) -> Contest:
    """Fit both recipes on the same cut and examine them and their baselines."""

    def alone(settings: Settings) -> Evaluation:
        part = bench.fit(settings)
        blend = Blend(parts=(part,), weights={part.name: 1.0})
        return evaluate(blend, exam, half_life_days=challenger.history_half_life_days)

    def whole(recipe: Recipe) -> Evaluation:
        return evaluate(bench.blend(recipe), exam, half_life_days=recipe.history_half_life_days)

    return Contest(
        challenger=whole(challenger),
        popular=alone(challenger.popularity),
        item_knn=alone(challenger.item_knn),
        champion=whole(champion) if champion is not None else None,
        decile_of=decile_of_items(bench.part),
        seed=bench.context.seed,
    )


def _mean(values: NDArray[np.float64]) -> float:
    return float(values.mean()) if len(values) else 0.0


def _ratio(value: float, reference: float) -> float:
    return value / reference if reference > 0 else 1.0
