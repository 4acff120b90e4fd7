"""Where platform staff arrive at a store: the link from the console opens a visit, once."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from saas.lib.errors import NotFound
from saas.portal.visit import STAFF_VISIT_IN_SESSION, staff_visit_of
from tenants.selectors.staff_visits import offered_staff_visit
from tenants.services.open_staff_visit import begin_staff_visit, end_staff_visit


def staff_visit(request: HttpRequest, token: str) -> HttpResponse:
    """Ask before the visit begins: a link alone, fetched by whatever program, changes nothing."""
    slug: str = request.store_slug  # type: ignore[attr-defined]  # by SurfaceMiddleware
    if request.method == "POST":
        try:
            visit = begin_staff_visit(token=token, slug=slug)
        except NotFound:
            return render(request, "portal/staff_visit/ended.html", status=404)
        request.session.cycle_key()
        request.session[STAFF_VISIT_IN_SESSION] = visit.pk
        return redirect("home")
    offered = offered_staff_visit(token=token, slug=slug)
    if offered is None:
        return render(request, "portal/staff_visit/ended.html", status=404)
    return render(request, "portal/staff_visit/begin.html", {"offered": offered})


@require_POST
def leave_staff_visit(request: HttpRequest) -> HttpResponse:
    """End the visit that is under way here."""
    visit = staff_visit_of(request)
    if visit is not None:
        end_staff_visit(visit_id=visit.pk)
    request.session.pop(STAFF_VISIT_IN_SESSION, None)
    return render(request, "portal/staff_visit/ended.html")
