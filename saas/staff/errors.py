"""The console's pages for what goes wrong."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from api.v1.problems import REQUEST_ID


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer a request that Django could not read."""
    return _page(request, 400, "This request cannot be read")


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer what this person of staff may only look at."""
    return _page(request, 403, "This is not allowed to you")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer a path that leads nowhere, or a deed that makes no sense any more."""
    return _page(request, 404, "There is nothing here, or nothing to be done any more")


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer when we failed."""
    return _page(request, 500, "This went wrong on our side")


def _page(request: HttpRequest, status: int, title: str) -> HttpResponse:
    context = {
        "title": title,
        "site_title": "Shelfwise staff",
        "request_id": request.META.get(REQUEST_ID, ""),
    }
    return render(request, "staff/error.html", context, status=status)
