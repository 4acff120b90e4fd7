"""Registers the tables of a store's environment: catalogue, events, models."""

from __future__ import annotations

from tenants.model_package import ModelPackageConfig


class EngineConfig(ModelPackageConfig):
    """The `engine` app: its tables are in tenants' schemas alone."""

    default = True
    name = "engine"
