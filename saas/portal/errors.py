"""The pages for what goes wrong before or beside a store's page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from api.v1.problems import REQUEST_ID


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer a request that Django could not read."""
    return _page(request, 400, "This request cannot be read", "Go back and try again.")


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer what nobody may do."""
    return _page(request, 403, "This is not allowed", "Go back to your store.")


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form that did not come from one of our pages, or from an old one."""
    return _page(
        request,
        403,
        "This form has expired",
        "Nothing was changed. Load the page again and repeat what you did, with cookies allowed.",
    )


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer a path that leads nowhere, or to a store of which the person is no member."""
    return _page(
        request,
        404,
        "There is nothing here",
        "The address is wrong, or it belongs to a store of which you are not a member.",
    )


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer when we failed."""
    return _page(
        request,
        500,
        "This went wrong on our side",
        "It has been recorded. Try again in a minute; your shoppers' recommendations do not depend "
        "on this page.",
    )


def _page(request: HttpRequest, status: int, title: str, detail: str) -> HttpResponse:
    identifier = request.META.get(REQUEST_ID, "")
    context = {"error_title": title, "detail": detail, "request_id": identifier}
    return render(request, "portal/error.html", context, status=status)
