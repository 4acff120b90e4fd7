"""The figures of models: quality by version, and what a training found out about one of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from engine.selectors.models import Model, ModelDetail
from saas.portal.charts import Chart, Series
from saas.portal.pages.model_words import DAY, moment

_QUALITY: Final = "NDCG@10 (0 to 1)"
_RIVALS: Final = {"popular": "What is popular", "item_knn": "Item to item alone"}
_HISTORIES: Final = {
    "new_user": "nobody known",
    "history 1": "1 item",
    "history 2-4": "2 to 4 items",
    "history 5-19": "5 to 19 items",
    "history 20 or more": "20 or more",
}
_CATEGORY: Final = "category: "
_OLDER: Final = "This version was trained before this was measured; newer ones show it."

Measured = Mapping[str, float] | None


def quality_by_version(models: Sequence[Model]) -> Chart:
    """Return NDCG@10 of versions, newest first as they come, beside that of popularity."""
    shown = list(reversed(models))
    return Chart(
        title="NDCG@10 by version, beside what is popular",
        kind="line",
        period=_days(shown[0].trained_at, shown[-1].trained_at) if shown else "",
        x_title="Trained (UTC)",
        y_title=_QUALITY,
        x=[f"{each.trained_at:%Y-%m-%d %H:%M}" for each in shown],
        series=(
            _band("Model", [each.metrics.get("ndcg@10") for each in shown]),
            _band("What is popular", [_popular(each).get("ndcg@10") for each in shown]),
        ),
        empty="No model yet. Send your catalogue and your shoppers' events; the first training "
        "starts by itself when they suffice.",
    )


def charts_of(model: ModelDetail) -> list[Chart]:
    """Return the figures of one version's page."""
    curves = [_curve(model, "ndcg", title="Learning, epoch by epoch", y_title=_QUALITY)]
    if model.training_curve:
        curves.append(
            _curve(model, "loss", title="Training loss, epoch by epoch", y_title="Pairwise loss")
        )
    return [
        _by_list_length(model, "ndcg", title="NDCG by length of the list", y_title="NDCG (0 to 1)"),
        _by_list_length(
            model,
            "recall",
            title="Recall by length of the list",
            y_title="Share found (0 to 1)",
        ),
        _by_history(model),
        _by_category(model),
        _by_tenth(
            model,
            {
                "Of the places in the first ten": "recommended",
                "Of what shoppers turned to": "wanted",
            },
            title="Who gets the places: items by popularity",
            y_title="Share (%)",
        ),
        _by_tenth(
            model,
            {"Shown to anybody": "covered"},
            title="How much of each tenth anybody was shown",
            y_title="Share of its items (%)",
        ),
        *curves,
    ]


def tested_on(model: Model) -> str:
    """Return the days whose events the model was tested on."""
    window = model.data_window
    start = window.get("test_start")
    if start is None:
        return ""
    return f"Tested on {_days(moment(start), moment(window['last']))}"


def _by_list_length(model: Model, metric: str, *, title: str, y_title: str) -> Chart:
    lengths = sorted(
        int(name.removeprefix(f"{metric}@"))
        for name in model.metrics
        if name.startswith(f"{metric}@")
    )
    names = [f"{metric}@{length}" for length in lengths]
    rivals = [
        _band(title_, [model.baselines[rival].get(name) for name in names])
        for rival, title_ in _RIVALS.items()
        if rival in model.baselines
    ]
    return Chart(
        title=title,
        kind="line",
        period=tested_on(model),
        x_title="Items in the list",
        y_title=y_title,
        x=[str(length) for length in lengths],
        series=(_band("Model", [model.metrics[name] for name in names]), *rivals),
        empty=_OLDER,
    )


def _by_history(model: Model) -> Chart:
    found = {
        title: model.strata[name] for name, title in _HISTORIES.items() if name in model.strata
    }
    return Chart(
        title="NDCG@10 by what is known of the shopper",
        kind="line",
        period=tested_on(model),
        x_title="Items that the shopper had turned to before",
        y_title=_QUALITY,
        x=list(found),
        series=(_band("Model", [each.get("ndcg@10") for each in found.values()]),),
        empty=_OLDER,
    )


def _by_category(model: Model) -> Chart:
    found = {
        name.removeprefix(_CATEGORY): metrics
        for name, metrics in model.strata.items()
        if name.startswith(_CATEGORY)
    }
    return Chart(
        title="Recall@20 by category",
        kind="bar",
        period=tested_on(model),
        x_title="Category, most wanted first",
        y_title="Share that was found (0 to 1)",
        x=list(found),
        series=(_band("Model", [each.get("recall@20") for each in found.values()]),),
        empty="No category to tell apart: send `categories` with your items.",
    )


def _by_tenth(model: ModelDetail, shares: Mapping[str, str], *, title: str, y_title: str) -> Chart:
    """Return shares by how popular items are: each a name and the member that holds it."""
    tenths = model.popularity_deciles
    return Chart(
        title=title,
        kind="bar",
        period=tested_on(model),
        x_title="Tenth of the items, most popular first",
        y_title=y_title,
        x=[str(each["decile"]) for each in tenths],
        series=[_percent(name, tenths, key) for name, key in shares.items()],
        empty=_OLDER,
    )


def _curve(model: ModelDetail, metric: str, *, title: str, y_title: str) -> Chart:
    """Return how each candidate learnt; those that were left behind end early."""
    by_epoch = [
        ({(each["epoch"], each["is_newest"]): each[metric] for each in curve["points"]}, curve)
        for curve in model.training_curve
    ]
    epochs = sorted({epoch for points, _ in by_epoch for epoch in points})
    return Chart(
        title=title,
        kind="line",
        period="LightFM alone, each candidate of the search",
        x_title="Epochs (N: then on the newest events)",
        y_title=y_title,
        x=[f"{epoch} N" if is_newest else str(epoch) for epoch, is_newest in epochs],
        series=[
            Series(_candidate(curve), [points.get(epoch) for epoch in epochs], digits=3)
            for points, curve in by_epoch
        ],
        empty="No part of this version learns in epochs, or it was trained before this was "
        "measured.",
    )


def _candidate(curve: Mapping[str, Any]) -> str:
    settings = curve["settings"]
    named = (
        f"{settings.get('dimensions', '?')} dimensions, rate {settings.get('learning_rate', '?')}"
    )
    return f"{named} (chosen)" if curve["is_chosen"] else named


def _days(first: datetime, last: datetime) -> str:
    start, end = f"{first:{DAY}}", f"{last:{DAY}}"
    return f"{end} (UTC)" if start == end else f"{start} to {end} (UTC)"


def _popular(model: Model) -> Mapping[str, Any]:
    found: Mapping[str, Any] = model.baselines.get("popular", {})
    return found


def _band(name: str, measured: Sequence[Measured]) -> Series:
    values, low, high = (
        [None if each is None else each.get(key) for each in measured]
        for key in ("value", "low", "high")
    )
    return Series(name, values, low=low, high=high, digits=3)


def _percent(name: str, rows: Sequence[Mapping[str, float]], key: str) -> Series:
    return Series(name, [100 * each[key] for each in rows], digits=1)
