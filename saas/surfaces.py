"""Gives the portal and the staff console hosts of their own, beside the API's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from http.cookies import Morsel

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import get_script_prefix, set_script_prefix

from saas.lib.config import config
from saas.portal.hosts import NamedStore, store_of_host, store_of_path

# Pages load what we serve ourselves and nothing else; pictures of products come from the stores.
PORTAL_POLICY = (
    "default-src 'self'; img-src 'self' https: data:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
# The console's library sets styles and evaluates expressions; nothing of a store's is shown raw.
STAFF_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)


@dataclass(frozen=True, slots=True)
class Surface:
    """What is served to people on a host: its routes, its log-in, and what its pages may load."""

    urlconf: str
    session_cookie: str
    policy: str


PORTAL = Surface("saas.portal.urls", "portal_session", PORTAL_POLICY)
STORE = Surface("saas.portal.store_urls", "portal_session", PORTAL_POLICY)
STAFF = Surface("saas.staff.urls", "staff_session", STAFF_POLICY)


class SurfaceMiddleware:
    """Chooses the routes by the host that was asked: API, portal or staff console.

    A store's pages are the portal's too, on a host of the store's own or below a path; links are
    made for the way that was taken. A session holds on the surface where it began: hosts that
    differ in their port alone share their cookies, so each surface gives its own a name.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response
        named = {config().portal_host: PORTAL, config().staff_host: STAFF}
        self._surfaces = {host: surface for host, surface in named.items() if host is not None}

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer from the routes of the host; the API's where it has none of its own."""
        host = request.get_host()
        surface = self._surfaces.get(host)
        store: NamedStore | None = None
        if surface is None:
            store = store_of_host(host, domain=config().portal_domain)
        elif surface is PORTAL:
            store = store_of_path(request.path_info)
        if store is not None:
            surface = STORE
        if surface is None:
            return self._get_response(request)
        return self._page(request, surface, store)

    def _page(
        self, request: HttpRequest, surface: Surface, store: NamedStore | None
    ) -> HttpResponse:
        request.urlconf = surface.urlconf  # read by Django's handler
        _take_session(request, surface)
        prefix = get_script_prefix()
        if store is not None:
            request.store_slug = store.slug  # type: ignore[attr-defined]  # read by Visit
            request.path_info = request.path_info.removeprefix(store.prefix[:-1])
            set_script_prefix(store.prefix)
        try:
            response = self._get_response(request)
        finally:
            set_script_prefix(prefix)
        _give_session(response, surface)
        response.setdefault("Content-Security-Policy", surface.policy)
        response.setdefault("Cache-Control", "no-store")
        return response


def _take_session(request: HttpRequest, surface: Surface) -> None:
    given = request.COOKIES.pop(surface.session_cookie, None)
    request.COOKIES.pop(settings.SESSION_COOKIE_NAME, None)
    if given is not None:
        request.COOKIES[settings.SESSION_COOKIE_NAME] = given


def _give_session(response: HttpResponse, surface: Surface) -> None:
    morsel: Morsel[str] | None = response.cookies.pop(settings.SESSION_COOKIE_NAME, None)
    if morsel is not None:
        morsel.set(surface.session_cookie, morsel.value, morsel.coded_value)
        response.cookies[surface.session_cookie] = morsel
