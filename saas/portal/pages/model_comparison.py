"""Two versions side by side, scored anew on the same shoppers: what neither has learnt from."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse

from engine.core.comparison import Difference, Sample
from engine.selectors.item_titles import item_titles
from engine.selectors.model_comparison import ModelComparison
from engine.selectors.model_comparison import model_comparison as compared
from engine.selectors.models import models
from saas.lib.errors import ShelfwiseError
from saas.portal.roles import Right
from saas.portal.versions import sent_version
from saas.portal.visit import Visit, environment_page
from tenants.context import in_environment

# As many as a person chooses from.
_OFFERED = 50


@environment_page(Right.SEE_QUALITY)
def model_comparison(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Let two versions be chosen; what comes of it takes its time and is asked for on its own."""
    environment = visit.environment
    with in_environment(environment):
        offered = models(environment_id=environment.pk, limit=_OFFERED)
    servable = [each.version for each in offered if each.is_servable]
    newest = next((each for each in servable if each != environment.live_version), "")
    a = sent_version(request.GET.get("a")) or newest
    b = sent_version(request.GET.get("b")) or environment.live_version or ""
    context = {
        "offered": offered,
        "a": a,
        "b": b,
        "is_asked": "a" in request.GET,
        "is_ready": a != b,
    }
    return visit.render("portal/models/comparison.html", context)


@environment_page(Right.SEE_QUALITY)
def comparison_result(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Score both versions on the same shoppers: a part, or a page of its own without JavaScript."""
    a, b = (sent_version(request.GET.get(name)) for name in ("a", "b"))
    if a is None or b is None:
        raise Http404("No such versions.")
    context: dict[str, Any] = {"a": a, "b": b}
    try:
        with in_environment(visit.environment):
            found = compared(environment_id=visit.environment.pk, a=a, b=b)
            titles = item_titles(_ids(found.found.samples))
        context |= _shown(found, titles)
    except ShelfwiseError as error:
        context["error"] = error
    is_part = request.htmx  # type: ignore[attr-defined]
    name = "comparison_result" if is_part else "comparison_page"
    return visit.render(f"portal/models/{name}.html", context)


def _shown(comparison: ModelComparison, titles: dict[str, str]) -> dict[str, Any]:
    found = comparison.found
    return {
        "since": comparison.since,
        "users": found.users,
        "metrics": [(name, each, _verdict(each)) for name, each in found.metrics.items()],
        "alike": {name: 10 * share for name, share in asdict(found.overlap).items()},
        "overlap_users": found.overlap_users,
        "samples": [
            {
                "history": _named(each.history, titles),
                "rows": list(zip(_named(each.a, titles), _named(each.b, titles), strict=False)),
            }
            for each in found.samples
        ],
    }


def _verdict(each: Difference) -> str:
    if each.difference.low > 0:
        return "a"
    return "b" if each.difference.high < 0 else "open"


def _ids(samples: Any) -> list[str]:
    return sorted({item for each in samples for items in _lists(each) for item in items})


def _lists(sample: Sample) -> tuple[Any, ...]:
    return sample.history, sample.a, sample.b


def _named(items: Any, titles: dict[str, str]) -> list[str]:
    return [titles.get(item, item) for item in items]
