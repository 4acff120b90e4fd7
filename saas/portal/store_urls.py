"""The routes of one store's pages, on its own host or below `/stores/<slug>/`."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path, register_converter

from saas.portal.pages.audit import audit, audit_csv
from saas.portal.pages.data_health import data_health
from saas.portal.pages.get_started import get_started, make_snippet_key
from saas.portal.pages.hand_over import leave_staff_visit, staff_visit
from saas.portal.pages.overview import overview
from saas.portal.pages.store_home import store_home

handler400 = "saas.portal.errors.bad_request"
handler403 = "saas.portal.errors.permission_denied"
handler404 = "saas.portal.errors.not_found"
handler500 = "saas.portal.errors.server_error"


class EnvironmentConverter:
    """Which of the store's two environments a page is about."""

    regex = "live|test"

    def to_python(self, value: str) -> str:
        """Return the environment's kind."""
        return value

    def to_url(self, value: str) -> str:
        """Return the part of the path."""
        return value


register_converter(EnvironmentConverter, "environment")

urlpatterns: list[URLPattern | URLResolver] = [
    path("", store_home, name="home"),
    path("", include("saas.portal.account_urls")),
    path("<environment:environment>/", overview, name="overview"),
    path("<environment:environment>/data-health/", data_health, name="data-health"),
    path("<environment:environment>/get-started/", get_started, name="get-started"),
    path("<environment:environment>/get-started/key/", make_snippet_key, name="make-snippet-key"),
    path("<environment:environment>/", include("saas.portal.model_urls")),
    path("<environment:environment>/", include("saas.portal.data_urls")),
    path("usage/", include("saas.portal.usage_urls")),
    path("keys/", include("saas.portal.key_urls")),
    path("audit/", audit, name="audit"),
    path("audit/audit.csv", audit_csv, name="audit-csv"),
    path("team/", include("saas.portal.team_urls")),
    path("settings/", include("saas.portal.settings_urls")),
    path("staff-visit/leave/", leave_staff_visit, name="leave-staff-visit"),
    path("staff-visit/<str:token>/", staff_visit, name="staff-visit"),
]
