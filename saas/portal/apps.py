"""Registers the portal's templates and static files."""

from __future__ import annotations

from django.apps import AppConfig


class PortalConfig(AppConfig):
    """The pages of tenant admins; no models."""

    name = "saas.portal"
    label = "portal"
