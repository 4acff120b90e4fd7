"""Has a usage log of this host shipped once more."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from typing_extensions import override

from billing.services.replay_segment import replay_segment
from saas.lib.config import config
from saas.lib.errors import ShelfwiseError


class Command(BaseCommand):
    """`manage.py usage_replay host-01ABC….usage --reason "restored the database"`."""

    help = "Has a usage log of this host shipped once more; no call is counted twice."

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="As in the admin's list of usage sources.")
        parser.add_argument("--reason", required=True, help="For the audit log.")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        try:
            replay_segment(
                name=options["name"],
                folder=config().usage_log,
                actor="command",
                reason=options["reason"],
            )
        except ShelfwiseError as error:
            raise CommandError(error.detail) from error
        self.stdout.write(f"{options['name']} will be shipped again")
