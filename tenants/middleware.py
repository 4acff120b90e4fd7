"""Starts each request on the platform, where no tenant's table can be read."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from tenants.context import on_platform


class PlatformMiddleware:
    """Sessions, members and keys are looked up in `public`; a view enters an environment itself."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request on the platform."""
        with on_platform():
            return self.get_response(request)
