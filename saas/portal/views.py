"""The portal's pages: ask selectors, render."""

from __future__ import annotations

from typing import Any, cast

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from engine.selectors.models import Model, models
from tenants.context import in_environment
from tenants.selectors.membership import MembershipView, membership_of

# Enough to see where quality is going; the rest is in the API.
NEWEST_MODELS = 20


@login_required(login_url="login")
def overview(request: HttpRequest) -> HttpResponse:
    """Show what shoppers get now, and every model beside popularity."""
    membership = membership_of(person_id=cast(int, request.user.pk))
    if membership is None:
        return render(request, "portal/no_store.html", status=403)
    return render(request, "portal/overview.html", _overview(membership))


def _overview(membership: MembershipView) -> dict[str, Any]:
    live = membership.live
    with in_environment(live):
        rows = [_row(model) for model in models(environment_id=live.pk, limit=NEWEST_MODELS)]
    champion = next((row for row in rows if row["status"] == "champion"), None)
    return {
        "tenant": membership.tenant,
        "role": membership.role,
        "models": rows,
        "champion": champion,
    }


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
