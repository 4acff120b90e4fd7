"""What a training reports of its model, for the store to judge it by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from engine.core.learning_curve import LearningCurve
from engine.core.metrics import Metric
from engine.core.popularity_deciles import PopularityDecile


@dataclass(frozen=True)
class EvaluationReport:
    """Quality on the test window, which no candidate has seen.

    Attributes
    ----------
    metrics : mapping of str to Metric
        ``ndcg@`` and ``recall@`` 1, 5, 10, 20 and 50, ``hit_rate@10``, ``mrr``, ``coverage@10`` and
        ``popular_share@10`` of the recipe.
    baselines : mapping of str to mapping of str to Metric
        The same of ``popular`` (best recency window) and ``item_knn``, and of ``champion``
        (the champion's recipe trained on the same cut) when there is one.
    counts : mapping of str to int
        ``events``, ``users``, ``items``, ``train_events``, ``test_events``, ``test_users``.
    data_window : mapping of str to int
        ``first``, ``newest`` (robust), ``last``, ``test_start``: seconds since 1970 UTC.
    strata : mapping of str to mapping of str to Metric
        ``ndcg@10`` and ``recall@20`` of ``warm`` (what ``metrics`` says), ``new_user`` (nobody
        with a past) and ``cold_item`` (items without training events, ranked among themselves);
        of ``history 1``, ``history 2-4`` and so on, users by how much is known of them;
        ``recall@20`` alone of ``category: …``, the ten that were turned to most. A stratum nobody
        belongs to is left out.
    popularity_deciles : sequence of PopularityDecile
    training_curve : sequence of LearningCurve
        Of the search for LightFM's settings; empty where there was none.
    """

    metrics: Mapping[str, Metric]
    baselines: Mapping[str, Mapping[str, Metric]]
    counts: Mapping[str, int]
    data_window: Mapping[str, int]
    strata: Mapping[str, Mapping[str, Metric]] = field(default_factory=dict)
    popularity_deciles: Sequence[PopularityDecile] = ()
    training_curve: Sequence[LearningCurve] = ()
