"""Gives the application's login its rights on `public`, and no more."""

from __future__ import annotations

from django.conf import settings
from psycopg import sql

from tenants.context import on_platform
from tenants.db.connection import connection

# Billing's tables are granted by its own migrations: its ledger only grows.
_GRANTS = """
GRANT USAGE ON SCHEMA public TO {app};
DO $do$
DECLARE relation regclass;
BEGIN
    FOR relation IN
        SELECT c.oid FROM pg_class c
         WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
           AND c.relname NOT LIKE 'billing%'
           AND c.relname NOT IN ('django_migrations', 'tenants_schemascript', 'tenants_auditevent')
    LOOP
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO {app}', relation);
    END LOOP;
END $do$;
GRANT SELECT, INSERT ON tenants_auditevent TO {app};
GRANT SELECT ON django_migrations, tenants_schemascript TO {app};
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {app};
"""


def grant_application_login() -> None:
    """Grant what the web, worker and dispatcher need; run as the owner, any number of times."""
    with on_platform(), connection.cursor():
        app = sql.Identifier(settings.APP_LOGIN).as_string(connection.connection)
        connection.connection.execute(_GRANTS.replace("{app}", app))
