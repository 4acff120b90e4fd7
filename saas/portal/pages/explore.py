"""What a shopper gets, or what goes with an item: what a store's own call answers, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect

from engine.selectors.found_items import found_items
from engine.selectors.found_shoppers import active_items, active_shoppers, found_shoppers
from engine.selectors.items import item_body
from engine.selectors.shopper_history import shopper_history
from saas.portal.pages.explore_calls import (
    MAX_ID,
    TITLES,
    Options,
    Shelf,
    call_of,
    is_about,
    safe_link,
    safe_picture,
    shelf_of,
    subject_of,
)
from saas.portal.previews import InferenceAway, previewed
from saas.portal.roles import Right
from saas.portal.visit import Visit, environment_page
from tenants.context import in_environment

_FOUND = 10
_EXAMPLES = 6
_HISTORY = 20


@environment_page(Right.EXPLORE)
def explore(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Find a shopper by id or an item by id or title, or take one of those that came lately."""
    text = request.GET.get("q", "").replace("\x00", "").strip()[:MAX_ID]
    with in_environment(visit.environment):
        if text:
            found = found_items(view="all", text=text, after="")
            context = {
                "shoppers": found_shoppers(text=text, limit=_FOUND),
                "items": [*found.named, *found.items][:_FOUND],
            }
        else:
            context = {
                "shoppers": active_shoppers(limit=_EXAMPLES),
                "items": active_items(limit=_EXAMPLES),
            }
    return visit.render("portal/explore/search.html", {"q": text, **context})


@environment_page(Right.EXPLORE)
def explore_shopper(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Show a shopper's history, and what the shopper gets beside what is popular."""
    subject = subject_of(request.GET)
    subject.pop("item_id", None)
    if not subject:
        return redirect("explore", visit.environment.kind)
    with in_environment(visit.environment):
        history = shopper_history(
            user_id=subject.get("user_id"),
            anonymous_id=subject.get("anonymous_id"),
            limit=_HISTORY,
        )
    context = {
        "name": subject.get("user_id", subject.get("anonymous_id")),
        "is_visitor": "user_id" not in subject,
        "history": history,
        "lines": [(line, safe_picture(line.image_url)) for line in history.lines],
        **_answers(request, visit, subject, ("for-user", "popular")),
    }
    return visit.render("portal/explore/shopper.html", context)


@environment_page(Right.EXPLORE)
def explore_item(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Show an item, what is similar to it and what is bought with it."""
    subject = {"item_id": subject_of(request.GET).get("item_id", "")}
    with in_environment(visit.environment):
        item = item_body(subject["item_id"])
    if item is None:
        raise Http404("No such item.")
    context = {
        "item": item,
        "picture": safe_picture(item["image_url"]),
        "link": safe_link(item["url"]),
        **_answers(request, visit, subject, ("similar", "bought-together")),
    }
    return visit.render("portal/explore/item.html", context)


@environment_page(Right.EXPLORE)
def explore_why(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Say why an item stands where it stands, or what keeps it out: a part, or a whole page."""
    subject, type_ = subject_of(request.GET), request.GET.get("type", "")
    meant = request.GET.get("meant", "").replace("\x00", "").strip()[:MAX_ID]
    if type_ not in TITLES or not meant or not is_about(type_, subject):
        raise Http404("No such question.")
    call = call_of(type_, subject, _options(request, visit).members)
    context: dict[str, Any] = {"meant": meant, "title": TITLES[type_]}
    try:
        (context["given"],) = previewed(visit.environment, ("/v1/explain", call.question(meant)))
    except InferenceAway as away:
        context["away"] = away
    name = "why" if request.htmx else "why_page"  # type: ignore[attr-defined]
    return visit.render(f"portal/explore/{name}.html", context)


def _options(request: HttpRequest, visit: Visit) -> Options:
    return Options(request.GET, placements=visit.environment.placements)


def _answers(
    request: HttpRequest, visit: Visit, subject: Mapping[str, str], types: Sequence[str]
) -> dict[str, Any]:
    options = _options(request, visit)
    query = {**subject, **{name: request.GET.get(name, "") for name in options.fields}}
    query = {name: value for name, value in query.items() if value}
    calls = [call_of(type_, subject, options.members) for type_ in types]
    context = {
        "options": options,
        "is_adjusted": any(name in query for name in options.fields),
        "query": query,
        "main_type": types[0],
    }
    try:
        given = previewed(visit.environment, *((call.path, call.body) for call in calls))
    except InferenceAway as away:
        return {**context, "away": away}
    kind = visit.environment.kind
    shelves: list[Shelf] = [
        shelf_of(call, each, query=query, kind=kind, placements=visit.environment.placements)
        for call, each in zip(calls, given, strict=True)
    ]
    return {**context, "shelves": shelves}
