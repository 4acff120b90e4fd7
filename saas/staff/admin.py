"""What spans domains in the console: a store with its plan and money, a job with its repair."""

from __future__ import annotations

from typing import ClassVar

from django.contrib import admin

from saas.staff.job_deeds import DeadLetterAdmin
from saas.staff.store_deeds import MONEY_DEEDS
from tenants.admin_stores import TenantAdmin
from tenants.console import Deed
from tenants.models.job import Job
from tenants.models.tenant import Tenant


@admin.register(Tenant)
class StoreAdmin(TenantAdmin):
    """A store, and all that staff can do for it."""

    deeds: ClassVar[tuple[Deed, ...]] = (*TenantAdmin.deeds, *MONEY_DEEDS)


admin.site.register(Job, DeadLetterAdmin)
