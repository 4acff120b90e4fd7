"""Who looks at which store, and the two decorators through which every page of a store goes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, wraps
from http import HTTPStatus
from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django_htmx.http import HttpResponseClientRefresh

from saas.lib.errors import ShelfwiseError
from saas.portal.navigation import menu
from saas.portal.roles import Right, rights_of
from tenants.models.environment import Environment
from tenants.models.person import Person
from tenants.models.staff_visit import StaffVisit
from tenants.models.tenant import Tenant
from tenants.selectors.membership import MembershipView, membership_of, visited
from tenants.selectors.staff_visits import current_staff_visit

STAFF_VISIT_IN_SESSION = "staff_visit"


@dataclass(frozen=True)
class Visit:
    """A person at a store, with the environment whose data are shown."""

    request: HttpRequest
    person: Person
    tenant: Tenant
    role: str
    live: Environment
    test: Environment
    environment: Environment
    staff_visit: StaffVisit | None = None

    @property
    def is_staff_visit(self) -> bool:
        """Tell whether platform staff looks at the store."""
        return self.staff_visit is not None

    @property
    def actor(self) -> str:
        """Whom the audit log names."""
        return f"{'staff' if self.is_staff_visit else 'person'}:{self.person.email}"

    @cached_property
    def rights(self) -> frozenset[Right]:
        """What this person may see and do here."""
        status = self.tenant.status
        return rights_of(self.role, status=status, is_staff_visit=self.is_staff_visit)

    def may(self, right: Right) -> bool:
        """Tell whether this person has a right."""
        return right in self.rights

    def render(
        self, template: str, context: dict[str, Any] | None = None, *, status: int = 200
    ) -> HttpResponse:
        """Render a page of the store, with its menu."""
        shared = {
            "visit": self,
            "may": {str(right): True for right in self.rights},
            "environment": self.environment.kind,
            "menu": menu(self.rights, environment=self.environment.kind),
        }
        return render(self.request, template, {**shared, **(context or {})}, status=status)


Page = Callable[..., HttpResponse]


def store_page(right: Right) -> Callable[[Page], Page]:
    """Let a view answer for the store as a whole, to members who have a right."""

    def decorate(page: Page) -> Page:
        @_for_somebody
        @wraps(page)
        def view(request: HttpRequest, **kwargs: Any) -> HttpResponse:
            return _answer(page, request, right, kind=Environment.Kind.LIVE, **kwargs)

        return view

    return decorate


def environment_page(right: Right) -> Callable[[Page], Page]:
    """Let a view answer for the environment that the path names, to members who have a right."""

    def decorate(page: Page) -> Page:
        @_for_somebody
        @wraps(page)
        def view(request: HttpRequest, environment: str, **kwargs: Any) -> HttpResponse:
            return _answer(page, request, right, kind=environment, **kwargs)

        return view

    return decorate


def _for_somebody(view: Page) -> Page:
    """Ask for a log-in, unless platform staff is here on a visit."""
    asking = login_required(view, login_url="login")

    @wraps(view)
    def answer(request: HttpRequest, **kwargs: Any) -> HttpResponse:
        return (asking if staff_visit_of(request) is None else view)(request, **kwargs)

    return answer


def staff_visit_of(request: HttpRequest) -> StaffVisit | None:
    """Return the visit of platform staff to the store that the request names, or `None`."""
    visit_id = request.session.get(STAFF_VISIT_IN_SESSION)
    if visit_id is None:
        return None
    slug: str = request.store_slug  # type: ignore[attr-defined]  # by SurfaceMiddleware
    return current_staff_visit(visit_id=visit_id, slug=slug)


def _answer(
    page: Page, request: HttpRequest, right: Right, *, kind: str, **kwargs: Any
) -> HttpResponse:
    visit = visit_of(request, kind=kind)
    if not visit.may(right):
        return visit.render("portal/forbidden.html", status=403)
    try:
        return page(request, visit, **kwargs)
    except ShelfwiseError as error:
        if request.method == "GET" or error.status == HTTPStatus.NOT_FOUND:
            return visit.render("portal/refused.html", {"error": error}, status=error.status)
        messages.error(request, error.detail)
        return HttpResponseClientRefresh() if request.htmx else back(request)  # type: ignore[attr-defined]


def visit_of(request: HttpRequest, *, kind: str) -> Visit:
    """Return the visit of the person who logged in to the store that the request names.

    Raises
    ------
    Http404
        There is no such store, or the person is not of it: one answer for both.
    """
    person = cast(Person, request.user)
    slug: str = request.store_slug  # type: ignore[attr-defined]  # by SurfaceMiddleware
    staff_visit = staff_visit_of(request)
    if staff_visit is not None:
        person = staff_visit.staff
        membership: MembershipView | None = visited(staff_visit.tenant)
    else:
        membership = membership_of(person_id=person.pk, slug=slug)
    if membership is None:
        raise Http404("No such store.")
    return Visit(
        request=request,
        person=person,
        tenant=membership.tenant,
        role=membership.role,
        live=membership.live,
        test=membership.test,
        environment=membership.test if kind == Environment.Kind.TEST else membership.live,
        staff_visit=staff_visit,
    )


def back(request: HttpRequest, *, default: str = "home") -> HttpResponse:
    """Send the browser to the page that it came from, with the messages."""
    origin = request.headers.get("Referer", "")
    if url_has_allowed_host_and_scheme(origin, {request.get_host()}, request.is_secure()):
        return redirect(origin)
    return redirect(default)
