"""The catalogue: items by text or by what is amiss with them, one item, and what is described."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlencode

import orjson
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from engine.selectors.catalogue_quality import CatalogueQuality, catalogue_quality
from engine.selectors.catalogue_state import (
    CatalogueState,
    catalogue_state,
    tells_what_was_recommended,
)
from engine.selectors.found_items import VIEWS, found_items
from engine.selectors.item_activity import NEWEST_LINES, item_activity
from engine.selectors.items import alias_holders, item_body
from engine.selectors.models import model
from engine.selectors.newest_moment import newest_moment
from engine.selectors.variants import variants_of
from saas.lib.errors import NotFound
from saas.portal.charts import Chart, Series
from saas.portal.findings import shown_findings
from saas.portal.roles import Right
from saas.portal.visit import Visit, environment_page
from tenants.context import in_environment

MAX_TEXT = 256
# Of the catalogue's table: some five thousand items tell shares to a percent or two.
COMPLETENESS_PAGES = 500
MOST_BARS = 40
TABS: Final = (
    ("all", "Items"),
    ("out-of-stock", "Out of stock"),
    ("withheld", "Withheld"),
    ("new", "New"),
    ("never-recommended", "Never recommended"),
)
_EMPTY: Final = {
    "all": "The catalogue is empty: send items with POST /v1/items:batch, or upload a file.",
    "out-of-stock": "Every item that was looked at is in stock.",
    "withheld": "Every item that was looked at may be recommended now.",
    "new": "No item that was looked at is younger than seven days.",
    "never-recommended": "Every item that was looked at and can be recommended has been.",
}
_HINTS: Final = {
    "out-of-stock": "Never recommended while they are.",
    "withheld": "Marked as not recommendable, or not in their time of availability.",
    "new": "Made within the last seven days.",
}


@environment_page(Right.SEE_DATA)
def catalogue(request: HttpRequest, visit: Visit) -> HttpResponse:
    """List items, a page at a time."""
    view = request.GET.get("view", "all")
    if view not in VIEWS:
        raise Http404("No such view.")
    text, after = _asked(request, "q"), _asked(request, "after")
    with in_environment(visit.environment):
        state = catalogue_state()
        is_never = view == "never-recommended"
        is_told = not is_never or tells_what_was_recommended()
        found = found_items(view=view, text=text, after=after) if is_told else None
        coverage = _coverage(visit) if is_never else None
    return visit.render(
        "portal/catalogue.html",
        {
            "tabs": TABS,
            "view": view,
            "text": text,
            "after": after,
            "state": state,
            "cards": _cards(state),
            "found": found,
            "coverage": coverage,
            "empty": f"No item's title or id holds '{text}'." if text else _EMPTY[view],
        },
    )


@environment_page(Right.SEE_DATA)
def completeness(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Show which share of the items has each field and attribute, and what to do about it."""
    with in_environment(visit.environment):
        quality = catalogue_quality(most_pages=COMPLETENESS_PAGES)
    return visit.render(
        "portal/catalogue/completeness.html",
        {
            "tabs": TABS,
            "quality": quality,
            "findings": shown_findings(quality.findings),
            "chart": completeness_chart(quality),
            "hidden": max(0, len(quality.attributes) - MOST_BARS),
        },
    )


@environment_page(Right.SEE_DATA)
def item(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Show one item; its id is a parameter, since it may hold any character."""
    item_id = _asked(request, "id")
    with in_environment(visit.environment):
        body = item_body(item_id)
        if body is None:
            return _elsewhere(visit, item_id)
        newest = newest_moment() or timezone.now()
        activity = item_activity(item_id, until=newest)
        variants = variants_of(item_id=item_id, group_id=body["group_id"])
    return visit.render(
        "portal/catalogue/item.html",
        {
            "item": body,
            "attributes": [
                (name, _written(value)) for name, value in sorted(body["attributes"].items())
            ],
            "linked_url": _linked(body["url"]),
            "reason": _withheld_reason(body),
            "activity": activity,
            "newest": newest,
            "newest_lines": NEWEST_LINES,
            "variants": variants,
        },
    )


def _elsewhere(visit: Visit, ref: str) -> HttpResponse:
    """Go to the item that an alias names; call inside the environment.

    Raises
    ------
    NotFound
        It names none.
    """
    holder = alias_holders([ref]).get(ref)
    if holder is None:
        raise NotFound(
            f"The catalogue has no item '{ref}'; send it, or name this id as an alias of the item "
            "that it means, and the events that came before join by themselves."
        )
    page = reverse("item", args=[visit.environment.kind])
    return redirect(f"{page}?{urlencode({'id': holder})}")


def completeness_chart(quality: CatalogueQuality) -> Chart:
    """Return the shares as a figure: fields first, then attributes, commonest first."""
    attributes = list(quality.attributes.items())[:MOST_BARS] if quality.items else []
    fields = list(quality.fields.items()) if quality.items else []
    looked_at = f"{quality.items:,} items"
    return Chart(
        title="How completely items are described",
        kind="stacked",
        period=f"a look at {looked_at} spread over the catalogue, just now"
        if quality.is_sample
        else f"all {looked_at}, just now",
        x_title="Field or attribute",
        y_title="Items that have it (%)",
        x=[name for name, _ in fields + attributes],
        series=[
            Series(
                "Fields", [100 * each for _, each in fields] + [None] * len(attributes), digits=1
            ),
            Series(
                "Attributes",
                [None] * len(fields) + [100 * each for _, each in attributes],
                digits=1,
            ),
        ],
        empty=_EMPTY["all"],
    )


def _coverage(visit: Visit) -> float | None:
    """Return the share of the catalogue that the live model's evaluation put before somebody."""
    version = visit.environment.live_version
    live = version and model(environment_id=visit.environment.pk, version=version)
    measured = live and live.metrics.get("coverage@10")
    return 100 * measured["value"] if measured else None


def _cards(state: CatalogueState) -> list[dict[str, Any]]:
    """Return the counts of a look at the whole catalogue; shares where it was a part."""
    counts = {"out-of-stock": state.out_of_stock, "withheld": state.withheld, "new": state.new}
    shown = {
        view: f"{100 * count / state.items:.1f} %" if state.is_sample else f"{count:,}"
        for view, count in counts.items()
    }
    return [
        {"view": view, "title": title, "figure": shown[view], "hint": _HINTS[view]}
        for view, title in TABS
        if view in shown
    ]


def _asked(request: HttpRequest, name: str) -> str:
    """Return a parameter as ids and titles may be: PostgreSQL knows no NUL."""
    return request.GET.get(name, "").replace("\0", "").strip()[:MAX_TEXT]


def _written(value: Any) -> str:
    """Return an attribute's value as a person writes it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(_written, value))
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _linked(url: str | None) -> str | None:
    """Return the address of a store's page, where it is one that a link may lead to."""
    return url if url is not None and url.startswith(("https://", "http://")) else None


def _withheld_reason(body: dict[str, Any]) -> str | None:
    """Return why the item is not recommended now, or nothing."""
    now = timezone.now().isoformat()
    if not body["recommendable"]:
        return "it is marked as not recommendable"
    if not body["in_stock"]:
        return "it is out of stock"
    if body["available_from"] and body["available_from"] > now:
        return f"it is available from {body['available_from']} on"
    if body["available_until"] and body["available_until"] <= now:
        return f"it was available until {body['available_until']}"
    return None
