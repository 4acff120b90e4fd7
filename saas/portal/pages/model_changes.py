"""Decides which version shoppers get: each change is confirmed on a page that asks why."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_POST

from engine.core.lifecycle import version_before
from engine.selectors.models import ModelDetail, live_version_of, model, version_records
from engine.services.promote_model import promote_model
from engine.services.rollback_model import rollback_model
from engine.services.unpin_model import unpin_model
from saas.portal.roles import Right
from saas.portal.versions import sent_version
from saas.portal.visit import Visit, environment_page
from tenants.context import in_environment

_UNSAID = "by request"


@require_http_methods(["GET", "POST"])
@environment_page(Right.RUN_MODELS)
def model_promotion(request: HttpRequest, visit: Visit, version: str) -> HttpResponse:
    """Ask before a version goes live, then let it."""
    environment = visit.environment
    if request.method == "GET":
        with in_environment(environment):
            found = _model(visit, version)
        is_live = version == environment.live_version
        context = {
            "model": found,
            "current": None if is_live else environment.live_version,
            "pin": is_live,
        }
        return visit.render("portal/models/promotion.html", context)
    pin = request.POST.get("pin") == "on"
    with in_environment(environment):
        promote_model(
            environment=environment,
            version=version,
            pin=pin,
            actor=visit.actor,
            reason=_reason(request),
        )
    messages.success(request, _told(version, pin=pin))
    return redirect("models", environment.kind)


@require_http_methods(["GET", "POST"])
@environment_page(Right.RUN_MODELS)
def model_rollback(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Ask before going back to the version that was live before, then go."""
    environment = visit.environment
    if request.method == "GET":
        with in_environment(environment):
            live = live_version_of(environment.pk)
            target = version_before(version_records(), live_version=live) if live else None
            found = _model(visit, target) if target else None
        return visit.render("portal/models/rollback.html", {"model": found, "current": live})
    target = sent_version(request.POST.get("version"))
    if target is None:
        raise Http404("No such version.")
    pin = request.POST.get("pin") == "on"
    with in_environment(environment):
        version = rollback_model(
            environment=environment,
            version=target,
            pin=pin,
            actor=visit.actor,
            reason=_reason(request),
        )
    messages.success(request, _told(version, pin=pin))
    return redirect("models", environment.kind)


@require_POST
@environment_page(Right.RUN_MODELS)
def model_unpinning(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Let trainings replace the live version again."""
    with in_environment(visit.environment):
        unpin_model(environment=visit.environment, actor=visit.actor, reason=_reason(request))
    messages.success(request, "The next training that does better replaces the live version.")
    return redirect("models", visit.environment.kind)


def _model(visit: Visit, version: str) -> ModelDetail:
    found = model(environment_id=visit.environment.pk, version=version)
    if found is None:
        raise Http404("No such version.")
    return found


def _reason(request: HttpRequest) -> str:
    return request.POST.get("reason", "").replace("\x00", "").strip()[:500] or _UNSAID


def _told(version: str, *, pin: bool) -> str:
    stays = " and stays until somebody decides otherwise" if pin else ""
    return f"Version {version} is live within two seconds{stays}."
