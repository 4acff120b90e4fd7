"""The staff console: Django's admin on a host of its own."""

from __future__ import annotations

from unfold.sites import UnfoldAdminSite


class StaffSite(UnfoldAdminSite):
    """What platform staff see; a tenant's people cannot log in here."""

    site_title = "Shelfwise staff"
    site_header = "Shelfwise staff"
    index_title = "Platform"
    site_url = None
    final_catch_all_view = True
