"""Registers the composition root's commands; sets up Sentry once Django is ready."""

from __future__ import annotations

import os

from django.apps import AppConfig
from typing_extensions import override

from saas.lib.config import config
from tenants.error_reports import configure_error_reports


class SaasConfig(AppConfig):
    """The `saas` app: it has no models."""

    name = "saas"

    @override
    def ready(self) -> None:
        configure_error_reports(
            dsn=config().sentry_dsn, process=os.environ.get("SHELFWISE_PROCESS", "django")
        )
