"""Registers the HTTP edge: it has templates and no models."""

from __future__ import annotations

from django.apps import AppConfig


class ApiConfig(AppConfig):
    """The `api` app."""

    name = "api"
