"""Makes an environment: a schema from the recorded script, a role with rights on it alone."""

from __future__ import annotations

import base64
import secrets

from django.conf import settings
from django.db import transaction
from psycopg import sql

from tenants.context import on_platform
from tenants.db.connection import connection
from tenants.models.environment import CatalogueClock, Environment, SchemaScript
from tenants.models.tenant import Tenant
from tenants.services.record_schema_script import migrations_digest

# 80 random bits: no clash, and nothing of the customer's in a name that reaches SQL.
_NAME_BYTES = 10


class SchemaScriptMissingError(RuntimeError):
    """The code has migrations that `manage.py migrate_schemas` has not run yet."""


def provision_environment(*, tenant: Tenant, kind: str) -> Environment:
    """Make a tenant's environment in one transaction, as the owner.

    Parameters
    ----------
    tenant
        The store; it must exist.
    kind
        ``"live"`` or ``"test"``.

    Returns
    -------
    Environment
        Ready: its schema is at the code's migrations and its role can be entered.

    Raises
    ------
    SchemaScriptMissingError
        The migrations have not been run with this code.
    """
    with on_platform(), transaction.atomic():
        script = SchemaScript.objects.filter(pk=migrations_digest()).first()
        if script is None:
            raise SchemaScriptMissingError(
                "No schema script for this code's migrations; run manage.py migrate_schemas."
            )
        suffix = base64.b32encode(secrets.token_bytes(_NAME_BYTES)).decode().lower()
        environment = Environment.objects.create(
            tenant=tenant,
            kind=kind,
            schema_name=f"t_{suffix}",
            role_name=f"r_{_database_oid()}_{suffix}",
        )
        CatalogueClock.objects.create(environment=environment)
        _create_schema(environment, statements=script.statements)
    return environment


def _database_oid() -> int:
    # Roles belong to the cluster, so their names carry the database they are for.
    with connection.cursor() as cursor:
        cursor.execute("SELECT oid FROM pg_database WHERE datname = current_database()")
        return int(cursor.fetchone()[0])


def _create_schema(environment: Environment, *, statements: str) -> None:
    names = {
        "schema": sql.Identifier(environment.schema_name),
        "role": sql.Identifier(environment.role_name),
        "app": sql.Identifier(settings.APP_LOGIN),
    }
    before = sql.SQL("CREATE SCHEMA {schema}; SET LOCAL search_path = {schema};").format(**names)
    after = sql.SQL(
        """
        SET LOCAL search_path = public;
        CREATE ROLE {role} NOLOGIN;
        GRANT USAGE ON SCHEMA {schema} TO {role};
        GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {role};
        GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO {role};
        ALTER DEFAULT PRIVILEGES IN SCHEMA {schema}
            GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {role};
        ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT USAGE ON SEQUENCES TO {role};
        GRANT {role} TO {app} WITH INHERIT FALSE, SET TRUE;
        GRANT {role} TO CURRENT_USER WITH INHERIT FALSE, SET TRUE;
        """
    ).format(**names)
    # Many statements in one simple-protocol round trip; Django's cursor would bind them one by one.
    raw = connection.connection
    raw.execute(before.as_string(raw) + statements + after.as_string(raw))
