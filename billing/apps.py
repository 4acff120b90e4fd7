"""Registers billing: the usage ledger and what is charged for it, in the public schema."""

from __future__ import annotations

from tenants.model_package import ModelPackageConfig


class BillingConfig(ModelPackageConfig):
    """The `billing` app."""

    default = True
    name = "billing"
