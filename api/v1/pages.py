"""Lets a store's pages call with a publishable key: preflights, origins, readable answers."""

from __future__ import annotations

from collections.abc import Iterable

from django.http import HttpResponse
from django.http.response import HttpResponseBase

from api.v1.authentication import Caller
from saas.lib.errors import OriginNotAllowed

# A day, which is the most that browsers remember.
_PREFLIGHT_SECONDS = "86400"
_ALLOWED = "Authorization, Content-Encoding, Content-Type, Idempotency-Key, X-Request-Id"
_EXPOSED = "Idempotent-Replayed, RateLimit, RateLimit-Policy, Retry-After, X-Request-Id"


def preflight(origin: str, *, methods: Iterable[str]) -> HttpResponse:
    """Tell a browser what a page may send; which page may is decided with the key."""
    return HttpResponse(
        status=204,
        headers={
            "Access-Control-Allow-Origin": origin,
            "Access-Control-Allow-Methods": ", ".join(methods),
            "Access-Control-Allow-Headers": _ALLOWED,
            "Access-Control-Max-Age": _PREFLIGHT_SECONDS,
            "Vary": "Origin",
        },
    )


def check_origin(caller: Caller, origin: str | None) -> None:
    """Keep a publishable key to the pages on its list; an app sends no origin.

    Raises
    ------
    OriginNotAllowed
        The page is not on the list.
    """
    if caller.kind != "publishable" or origin is None or origin in caller.allowed_origins:
        return
    raise OriginNotAllowed(
        f"This key is not for pages of '{origin[:100]}'; add the origin to the key's list."
    )


def let_page_read(response: HttpResponseBase, origin: str) -> None:
    """Let the page see the answer, errors included, since its script must act on them."""
    response.headers["Access-Control-Allow-Origin"] = origin
    response.headers["Access-Control-Expose-Headers"] = _EXPOSED
    vary = response.headers.get("Vary")
    response.headers["Vary"] = "Origin" if vary is None else f"{vary}, Origin"
