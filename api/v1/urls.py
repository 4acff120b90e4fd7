"""The routes under /v1: each resource's module brings its own."""

from __future__ import annotations

from importlib.util import find_spec

from django.urls import include, path

_MODULES = [
    "api.v1.auth",
    "api.v1.keys",
    "api.v1.items",
    "api.v1.events",
    "api.v1.users",
    "api.v1.models",
    "api.v1.training_runs",
    "api.v1.readiness",
    "api.v1.openapi",
]

urlpatterns = [path("", include(module)) for module in _MODULES if find_spec(module)]
