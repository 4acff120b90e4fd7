"""The way to the first click on a recommendation: how far a store is, and what to copy next."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from billing.selectors.answers import first_answered_hour
from engine.selectors.first_signs import MOST_COUNTED, first_signs
from engine.selectors.readiness import readiness
from engine.selectors.training_runs import training_runs
from engine.services.start_first_trainings import FIRST_TRAINING_EVENTS
from saas.lib.config import config
from saas.portal.first_steps import Facts, first_steps
from saas.portal.roles import Right
from saas.portal.snippets import PLACEHOLDER, hand_over_key, snippets, take_key
from saas.portal.visit import Visit, environment_page
from tenants.context import in_environment, on_platform
from tenants.models.environment import Environment
from tenants.selectors.api_keys import api_keys
from tenants.services.create_api_key import create_api_key

KEY_NAME = "Get started"


@never_cache
@environment_page(Right.SEE_STORE)
def get_started(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Show the steps; alone, as a part of the page that looks again, without the snippets."""
    steps = first_steps(facts_of(visit.environment))
    context = {
        "steps": steps,
        "done": sum(step.state == "done" for step in steps),
        "is_finished": all(step.state == "done" for step in steps),
    }
    if request.htmx:  # type: ignore[attr-defined]
        return visit.render("portal/get_started/steps.html", context)
    key = take_key(request.session, slug=visit.tenant.slug)
    return visit.render(
        "portal/get_started.html",
        {
            **context,
            "key": key,
            "placeholder": PLACEHOLDER,
            "snippets": snippets(key=key),
            "api": config().api_url,
        },
    )


@require_POST
@environment_page(Right.MANAGE_KEYS)
def make_snippet_key(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Make a secret key of the test environment and show it in the snippets, once."""
    with in_environment(visit.test):
        made = create_api_key(environment=visit.test, actor=visit.actor, name=KEY_NAME)
    hand_over_key(request.session, slug=visit.tenant.slug, key=made.text)
    return redirect("get-started", environment=visit.environment.kind)


def facts_of(environment: Environment) -> Facts:
    """Return how far an environment is."""
    with in_environment(environment):
        signs = first_signs()
        personal = readiness(
            has_model=environment.live_version is not None,
            trains_by_itself=environment.auto_train == environment.AutoTrain.DAILY,
            needed_events=FIRST_TRAINING_EVENTS,
        )["for_user"]
        newest = training_runs(limit=1)
    running = newest[0] if newest and newest[0].status in {"queued", "running"} else None
    with on_platform():
        first_call = first_answered_hour(environment_id=environment.pk)
    return Facts(
        most=MOST_COUNTED,
        keys=len(api_keys(environment_id=environment.pk, after=None, limit=MOST_COUNTED)),
        items=signs.items,
        lines=signs.lines,
        learnable=personal["have"]["events"],
        needed=personal["need"]["events"],
        blocking={each["code"]: each["detail"] for each in personal["blocking"]},
        training=None if running is None else running.stage,
        progress=0.0 if running is None else running.progress,
        live_version=environment.live_version,
        first_call=first_call,
        clicks=signs.clicks,
    )
