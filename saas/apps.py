"""Registers the composition root's commands; sets up Sentry and Celery once Django is ready."""

from __future__ import annotations

import os
from importlib import import_module

from django.apps import AppConfig
from typing_extensions import override

from api.error_reports import configure_error_reports
from saas.lib.config import config


class SaasConfig(AppConfig):
    """The `saas` app: it has no models."""

    name = "saas"

    @override
    def ready(self) -> None:
        configure_error_reports(
            dsn=config().sentry_dsn, process=os.environ.get("SHELFWISE_PROCESS", "django")
        )
        import_module("saas.celery")
