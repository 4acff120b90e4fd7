"""The model versions of a store: which one shoppers get, how good each is, and why."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse

from engine.core.lifecycle import version_before
from engine.selectors.models import Model, model, models, version_records
from engine.selectors.training_runs import training_runs
from saas.portal.pages.model_charts import charts_of, quality_by_version, tested_on
from saas.portal.pages.model_words import (
    figures,
    moment,
    recipe_parts,
    recipe_types,
    warnings_of,
)
from saas.portal.pages.training import shown_run
from saas.portal.roles import Right
from saas.portal.versions import sent_version
from saas.portal.visit import Visit, environment_page
from tenants.context import in_environment

PAGE = 20


@environment_page(Right.SEE_QUALITY)
def model_list(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Show each version, newest first, beside what is popular."""
    environment = visit.environment
    before = sent_version(request.GET.get("before"))
    with in_environment(environment):
        found = models(environment_id=environment.pk, limit=PAGE + 1, before=before)
        runs = training_runs(limit=1)
        previous = None
        if environment.live_version is not None:
            previous = version_before(version_records(), live_version=environment.live_version)
    shown = found[:PAGE]
    context = {
        "rows": [_row(each) for each in shown],
        "chart": quality_by_version(shown),
        "run": shown_run(runs[0]) if runs else None,
        "next": shown[-1].version if len(found) > PAGE else None,
        "is_first": before is None,
        "is_pinned": environment.is_pinned,
        "trains_daily": environment.auto_train == environment.AutoTrain.DAILY,
        "previous": previous,
    }
    return visit.render("portal/models/list.html", context)


@environment_page(Right.SEE_QUALITY)
def model_detail(request: HttpRequest, visit: Visit, version: str) -> HttpResponse:
    """Show what is known of one version."""
    environment = visit.environment
    with in_environment(environment):
        found = model(environment_id=environment.pk, version=version)
    if found is None:
        raise Http404("No such version.")
    context = {
        "model": found,
        "row": _row(found),
        "champion": found.baselines.get("champion", {}).get("ndcg@10"),
        "is_live": found.status == "champion",
        "is_pinned": environment.is_pinned and found.status == "champion",
        "live_version": environment.live_version,
        "period": tested_on(found),
        "window": {name: moment(it) for name, it in found.data_window.items()},
        "warnings": warnings_of(found),
        "charts": charts_of(found),
        "figures": figures(found),
        "parts": recipe_parts(found),
        "types": recipe_types(found),
        "updates": found.parameters.get("update") is not None,
    }
    return visit.render("portal/models/detail.html", context)


def _row(each: Model) -> dict[str, Any]:
    ndcg = each.metrics.get("ndcg@10")
    popular = each.baselines.get("popular", {}).get("ndcg@10")
    return {
        "model": each,
        "ndcg": ndcg,
        "popular": popular,
        "gain": ndcg["value"] - popular["value"] if ndcg and popular else None,
        "since": moment(each.data_window["first"]),
        "until": moment(each.data_window["last"]),
    }
