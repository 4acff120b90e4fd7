"""Registers the staff console in place of Django's default admin site."""

from __future__ import annotations

from django.contrib.admin.apps import AdminConfig


class StaffConfig(AdminConfig):
    """The admin app with our site; each domain registers its tables in its own `admin.py`."""

    default_site = "saas.staff.site.StaffSite"
