"""The page that says what shoppers get right now."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse

from engine.selectors.models import Model, models
from saas.portal.roles import Right
from saas.portal.visit import Visit, environment_page
from tenants.context import in_environment

# Enough to see where quality is going; the rest is on its own page.
NEWEST_MODELS = 20


@environment_page(Right.SEE_STORE)
def overview(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Show what shoppers get now, and every model beside popularity."""
    with in_environment(visit.environment):
        newest = models(environment_id=visit.environment.pk, limit=NEWEST_MODELS)
    rows = [_row(model) for model in newest]
    champion = next((row for row in rows if row["status"] == "champion"), None)
    return visit.render("portal/overview.html", {"models": rows, "champion": champion})


def _row(model: Model) -> dict[str, Any]:
    ndcg, popular = model.metrics["ndcg@10"], model.baselines["popular"]["ndcg@10"]
    return {
        "version": model.version,
        "status": model.status,
        "trained_at": model.trained_at,
        "ndcg": ndcg,
        "popular": popular,
        "gain": ndcg["value"] - popular["value"],
        "reason": model.reason,
    }
