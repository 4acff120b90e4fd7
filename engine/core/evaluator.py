"""Scores recipes on the later window of the split and reports them beside the baselines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Metric:
    """A mean over test users with its bootstrap 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class EvaluationReport:
    """Quality on the test window, which no candidate has seen.

    Attributes
    ----------
    metrics : mapping of str to Metric
        ``ndcg@10``, ``recall@20``, ``mrr``, ``coverage@10`` of the trained recipe.
    baselines : mapping of str to mapping of str to Metric
        The same of ``popular`` (best recency window) and ``item_knn``, and of ``champion``
        (the champion's recipe trained on the same cut) when there is one.
    counts : mapping of str to int
        ``events``, ``users``, ``items``, ``train_events``, ``test_events``, ``test_users``.
    data_window : mapping of str to int
        ``first``, ``newest`` (robust), ``last``, ``test_start``: seconds since 1970 UTC.
    """

    metrics: Mapping[str, Metric]
    baselines: Mapping[str, Mapping[str, Metric]]
    counts: Mapping[str, int]
    data_window: Mapping[str, int]
