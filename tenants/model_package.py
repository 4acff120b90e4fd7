"""Lets an app keep its models in a package whose `__init__` stays empty."""

from __future__ import annotations

import pkgutil
from importlib import import_module

from django.apps import AppConfig
from typing_extensions import override


class ModelPackageConfig(AppConfig):
    """An app that loads every module of its `models` package."""

    # A base is no candidate for Django's search for the one AppConfig of an app.
    default = False
    default_auto_field = "django.db.models.BigAutoField"

    @override
    def import_models(self) -> None:
        package = import_module(f"{self.name}.models")
        for module in pkgutil.iter_modules(package.__path__):
            import_module(f"{package.__name__}.{module.name}")
        super().import_models()
