"""Hands a store everything it has with us: one CSV per table, as of one moment."""

from __future__ import annotations

import zipfile
from pathlib import Path

from psycopg import sql

from saas.lib.errors import NotFound
from tenants.context import in_environment, on_platform
from tenants.db.connection import connection
from tenants.models.environment import Environment

# Belongs to the service, not to the store.
_NOT_EXPORTED = frozenset({"django_migrations"})


def export_tenant(*, slug: str, destination: Path) -> int:
    """Write a tenant's tables to a zip file.

    Parameters
    ----------
    slug
        The tenant.
    destination
        The zip file to write: ``<environment>/<table>.csv``, with a header line. It appears
        under this name when it is whole.

    Returns
    -------
    int
        The number of rows written.

    Raises
    ------
    NotFound
        There is no such tenant.
    """
    with on_platform():
        environments = list(Environment.objects.filter(tenant__slug=slug).order_by("kind"))
    if not environments:
        raise NotFound(f"There is no tenant '{slug}'; see manage.py tenant_list.")
    unfinished = destination.with_name(f"{destination.name}.part")
    with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED) as archive:
        rows = sum(_export(environment, archive=archive) for environment in environments)
    unfinished.replace(destination)
    return rows


def _export(environment: Environment, *, archive: zipfile.ZipFile) -> int:
    rows = 0
    with in_environment(environment), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        # A large store's events take longer to write out than any request may.
        cursor.execute("SET LOCAL statement_timeout = '1h'")
        cursor.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = %s ORDER BY 1",
            [environment.schema_name],
        )
        for (table,) in cursor.fetchall():
            if table in _NOT_EXPORTED:
                continue
            statement = sql.SQL("COPY {} TO STDOUT (FORMAT csv, HEADER)")
            with (
                archive.open(f"{environment.kind}/{table}.csv", "w", force_zip64=True) as file,
                connection.connection.cursor() as raw,
            ):
                with raw.copy(statement.format(sql.Identifier(table))) as copy:
                    for block in copy:
                        file.write(block)
                rows += raw.rowcount
    return rows
