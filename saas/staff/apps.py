"""Registers the staff console in place of Django's default admin site, and its templates."""

from __future__ import annotations

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class StaffConfig(AdminConfig):
    """The admin app with our site; each domain registers its tables in its own `admin.py`."""

    default_site = "saas.staff.site.StaffSite"


class ConsoleConfig(AppConfig):
    """What the console has of its own: pages over all domains, templates, styles; no models."""

    name = "saas.staff"
    label = "staff"
