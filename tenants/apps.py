"""Registers the public side of tenancy: who the stores are and how they prove it."""

from __future__ import annotations

import atexit

from typing_extensions import override

from tenants.model_package import ModelPackageConfig


class TenantsConfig(ModelPackageConfig):
    """The `tenants` app."""

    default = True
    name = "tenants"
    # Above its tables in the staff console.
    verbose_name = "Platform"

    @override
    def ready(self) -> None:
        # Left to the interpreter's end, each of the pool's threads is waited for in vain.
        atexit.register(_close_pool)


def _close_pool() -> None:
    from tenants.db.connection import connection

    connection.close()
    connection.close_pool()
