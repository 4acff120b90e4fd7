"""Lists the stores."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from typing_extensions import override

from tenants.context import on_platform
from tenants.models.environment import Environment


class Command(BaseCommand):
    """`manage.py tenant_list`."""

    help = "Lists tenants with their environments, plans and live model versions."

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        row = "{:<24}{:<6}{:<11}{:<11}{:<24}{}"
        self.stdout.write(row.format("TENANT", "ENV", "STATUS", "PLAN", "SCHEMA", "LIVE VERSION"))
        with on_platform():
            environments = Environment.objects.select_related("tenant__entitlement")
            for each in environments.order_by("tenant__slug", "kind"):
                self.stdout.write(
                    row.format(
                        each.tenant.slug,
                        each.kind,
                        each.tenant.status,
                        each.tenant.entitlement.plan,
                        each.schema_name,
                        each.live_version or "-",
                    )
                )
