"""Starts a training and shows how far it is, until it ends by itself."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST
from django_htmx.http import HttpResponseClientRefresh

from engine.selectors.training_runs import Run, training_runs
from engine.services.request_training import request_training
from saas.portal.pages.model_words import stage_words
from saas.portal.roles import Right
from saas.portal.visit import Visit, environment_page
from tenants.context import in_environment


@dataclass(frozen=True, slots=True)
class ShownRun:
    """A training as a page shows it."""

    run: Run
    stage: str

    @property
    def percent(self) -> int:
        """How far it is."""
        return round(100 * self.run.progress)


def shown_run(run: Run) -> ShownRun:
    """Return a run in words."""
    return ShownRun(run, stage=stage_words(run.stage))


@require_POST
@environment_page(Right.RUN_MODELS)
def train_now(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Queue a training, or go on with the one that is queued or running."""
    with in_environment(visit.environment):
        request_training(environment=visit.environment)
    messages.success(request, "A training is on its way; this page shows how far it is.")
    return redirect("models", visit.environment.kind)


@environment_page(Right.SEE_QUALITY)
def training(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Show how far the newest training is: a part that asks again while it goes on."""
    if not request.htmx:  # type: ignore[attr-defined]
        return redirect("models", visit.environment.kind)
    with in_environment(visit.environment):
        runs = training_runs(limit=1)
    run = shown_run(runs[0]) if runs else None
    if run is None or not run.run.is_under_way:
        # The versions beside it are others now.
        return HttpResponseClientRefresh()
    return visit.render("portal/models/training.html", {"run": run})
