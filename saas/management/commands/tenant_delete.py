"""Ends a store."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from typing_extensions import override

from saas.lib.errors import ShelfwiseError
from saas.lifecycle.delete_tenant import delete_tenant


class Command(BaseCommand):
    """`manage.py tenant_delete acorn-books --confirm acorn-books --reason "asked for it"`."""

    help = "Deletes a tenant's schemas, roles, keys, artifacts and caches; export it first."

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug")
        parser.add_argument("--confirm", required=True, help="The slug once more.")
        parser.add_argument("--reason", required=True, help="For the audit log.")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        slug = options["slug"]
        if options["confirm"] != slug:
            raise CommandError(f"--confirm says '{options['confirm']}', not '{slug}'.")
        try:
            delete_tenant(slug=slug, actor="command", reason=options["reason"])
        except ShelfwiseError as error:
            raise CommandError(error.detail) from error
        self.stdout.write(f"{slug} deleted")
