"""Migrates `public` and every environment, then records the script for new ones."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError
from django_tenants.management.commands.migrate_schemas import Command as MigrateSchemas
from typing_extensions import override

from tenants.context import on_platform
from tenants.db.connection import connection
from tenants.services.grant_application_login import grant_application_login
from tenants.services.record_schema_script import record_schema_script

# The oldest PostgreSQL whose GRANT … WITH INHERIT FALSE, SET TRUE holds the roles apart.
MIN_POSTGRESQL = 160000


class Command(MigrateSchemas):  # type: ignore[misc]  # django-tenants is untyped
    """django-tenants' command with what this project needs around it."""

    # They are for who changes the code (`make check`), not for each schema at each start.
    requires_system_checks = ()

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        with on_platform():
            with connection.cursor():
                version = connection.connection.info.server_version
            if version < MIN_POSTGRESQL:
                raise CommandError(
                    f"PostgreSQL {version // 10000} is too old; Shelfwise needs 16 or newer."
                )
            super().handle(*args, **{**options, "skip_checks": True})
        grant_application_login()
        record_schema_script()
