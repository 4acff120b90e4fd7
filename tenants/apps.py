"""Registers the public side of tenancy: who the stores are and how they prove it."""

from __future__ import annotations

from tenants.model_package import ModelPackageConfig


class TenantsConfig(ModelPackageConfig):
    """The `tenants` app."""

    default = True
    name = "tenants"
