"""Registers the composition root's commands; loads Celery once Django is ready."""

from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig
from typing_extensions import override


class SaasConfig(AppConfig):
    """The `saas` app: it has no models."""

    name = "saas"

    @override
    def ready(self) -> None:
        import_module("saas.celery")
