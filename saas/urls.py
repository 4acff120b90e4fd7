"""The routes of the web process."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from api.v1.auth import JwksView
from api.v1.openapi import docs_urlpatterns

handler400 = "api.v1.problems.bad_request"
handler403 = "api.v1.problems.permission_denied"
handler404 = "api.v1.problems.not_found"
handler500 = "api.v1.problems.server_error"

urlpatterns: list[URLPattern | URLResolver] = [
    path("v1/", include("api.v1.urls")),
    *docs_urlpatterns,
    path(".well-known/jwks.json", JwksView.as_view()),
]
