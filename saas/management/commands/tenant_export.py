"""Hands a store everything it has with us."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from typing_extensions import override

from saas.lib.errors import ShelfwiseError
from saas.lifecycle.export_tenant import export_tenant


class Command(BaseCommand):
    """`manage.py tenant_export acorn-books acorn.zip`."""

    help = "Writes a tenant's tables to a zip file of CSVs, as of one moment per environment."

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug")
        parser.add_argument("destination", type=Path)

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        try:
            rows = export_tenant(slug=options["slug"], destination=options["destination"])
        except ShelfwiseError as error:
            raise CommandError(error.detail) from error
        self.stdout.write(f"{rows} rows in {options['destination']}")
