"""Registers billing: plans, the usage ledger and what is charged for it, in the public schema."""

from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig
from typing_extensions import override


class BillingConfig(AppConfig):
    """The billing domain."""

    name = "billing"
    label = "billing"
    default_auto_field = "django.db.models.BigAutoField"

    @override
    def import_models(self) -> None:
        """Load the models, which the empty `billing.models` package does not."""
        super().import_models()
        import_module("billing.models.usage")
