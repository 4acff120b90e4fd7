"""Makes a link to Checkout for a store: `manage.py tenant_checkout acorn-books starter`."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from typing_extensions import override

from billing.services.start_checkout import start_checkout
from saas.lib.config import config
from saas.lib.errors import ShelfwiseError
from tenants.context import on_platform
from tenants.models.tenant import Tenant


class Command(BaseCommand):
    """For staff, and to see the local Stripe's pages."""

    help = "Prints the URL of a page where a store buys a plan."

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug")
        parser.add_argument("plan")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        with on_platform():
            tenant = Tenant.objects.filter(slug=options["slug"]).first()
        if tenant is None:
            raise CommandError(f"There is no tenant '{options['slug']}'; see tenant_list.")
        scheme = "https" if config().mode == "production" else "http"
        portal = f"{scheme}://{config().portal_host or 'localhost'}/"
        try:
            url = start_checkout(
                tenant_id=tenant.pk,
                plan_code=options["plan"],
                success_url=portal,
                cancel_url=portal,
            )
        except ShelfwiseError as error:
            raise CommandError(error.detail) from None
        self.stdout.write(url)
