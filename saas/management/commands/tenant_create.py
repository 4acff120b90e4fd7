"""Makes a store from the command line and prints its first keys."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.text import slugify
from typing_extensions import override

from billing.models.plan import FREE_PLAN
from saas.lib.errors import ShelfwiseError
from saas.lifecycle.open_tenant import open_tenant
from tenants.context import on_platform
from tenants.services.create_api_key import create_api_key


class Command(BaseCommand):
    """`manage.py tenant_create "Acorn Books"`."""

    help = "Makes a tenant with a live and a test environment and a secret key for each."

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="What people call the store.")
        parser.add_argument("--slug", help="What hostnames call it (default: from the name).")
        parser.add_argument(
            "--plan", default=FREE_PLAN, help="What it begins with (default: free)."
        )

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        name = options["name"]
        try:
            created = open_tenant(
                name=name,
                slug=options["slug"] or slugify(name),
                actor="command",
                plan_code=options["plan"],
            )
        except ShelfwiseError as error:
            raise CommandError(error.detail) from error
        self.stdout.write(f"tenant {created.tenant.slug} ({created.tenant.pk})")
        with on_platform():
            for environment in (created.live, created.test):
                key = create_api_key(environment=environment, actor="command", name="first key")
                self.stdout.write(f"{environment.kind:<5}{key.text}  (shown once)")
