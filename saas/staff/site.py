"""The staff console: unfold's admin on a host of its own, for staff with a second factor."""

from __future__ import annotations

from typing import Any

from allauth.account.authentication import get_authentication_records
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from typing_extensions import override
from unfold.sites import UnfoldAdminSite

from saas.staff.overview import overview

# A session of the portal is none of ours, whoever's it is.
_IS_OURS = "staff_console"
_SESSION_SECONDS = 12 * 3600


class StaffSite(UnfoldAdminSite):  # type: ignore[misc]  # unfold is untyped
    """What platform staff see; neither a tenant's people nor a password alone get in."""

    site_title = "Shelfwise staff"
    site_header = "Shelfwise staff"
    index_title = "Overview"
    index_template = "staff/overview.html"
    site_url = None
    final_catch_all_view = True

    @override
    def has_permission(self, request: HttpRequest) -> bool:
        return bool(super().has_permission(request)) and has_second_factor(request)

    @override
    def index(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        page: HttpResponse = super().index(request, {**overview(), **(extra_context or {})})
        return page

    @override
    def logout(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        logout(request)
        return HttpResponseRedirect(reverse("account_login"))


def has_second_factor(request: HttpRequest) -> bool:
    """Say whether this session began here, and took more than a password."""
    records = get_authentication_records(request, request.user)
    return _IS_OURS in request.session and any(record["method"] == "mfa" for record in records)


def open_console(request: HttpRequest) -> None:
    """Let the session in, for a working day; the second factor has just been given."""
    request.session[_IS_OURS] = True
    request.session.set_expiry(_SESSION_SECONDS)
