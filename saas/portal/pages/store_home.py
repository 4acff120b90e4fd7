"""The address of a store without a page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from saas.portal.roles import Right
from saas.portal.visit import Visit, store_page


@store_page(Right.SEE_STORE)
def store_home(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Go to what shoppers get now."""
    return redirect("overview", environment=visit.environment.kind)
