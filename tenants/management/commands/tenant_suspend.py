"""Stops answering a store, or answers it again."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from typing_extensions import override

from saas.lib.errors import ShelfwiseError
from tenants.services.suspend_tenant import resume_tenant, suspend_tenant


class Command(BaseCommand):
    """`manage.py tenant_suspend acorn-books --reason "unpaid"`."""

    help = "Answers a tenant's calls with 403 tenant_suspended; its data is kept."

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug")
        parser.add_argument("--reason", required=True, help="For the audit log.")
        parser.add_argument("--resume", action="store_true", help="Answer the tenant again.")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        change = resume_tenant if options["resume"] else suspend_tenant
        try:
            change(slug=options["slug"], actor="command", reason=options["reason"])
        except ShelfwiseError as error:
            raise CommandError(error.detail) from error
        self.stdout.write(f"{options['slug']} {'resumed' if options['resume'] else 'suspended'}")
