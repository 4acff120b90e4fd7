"""Which migrations the code has, and which schemas lack one of them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from django.db.migrations.loader import MigrationLoader
from psycopg import sql

from tenants.db.connection import connection

# A statement takes a lock on each table it reads and on its index, of some 6,400 that PostgreSQL
# has by default for all of its connections.
_SCHEMAS_AT_ONCE = 500

_WITH_HISTORY = """
SELECT nspname FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace
 WHERE relname = 'django_migrations' AND nspname = ANY(%s)
"""
_APPLIED = """
SELECT {name}, count(DISTINCT (app, name)) FROM {schema}.django_migrations
 WHERE app || '.' || name = ANY(%(known)s)
"""


@cache
def known_migrations() -> tuple[str, ...]:
    """Return the names of the migrations in the code, such as 'engine.0001_initial', sorted."""
    loader = MigrationLoader(None, load=False)
    loader.load_disk()
    return tuple(sorted(".".join(key) for key in loader.disk_migrations))


def unmigrated_schemas(names: Sequence[str]) -> list[str]:
    """Return those of the schemas that lack a migration, in their order; run as the owner.

    One statement looks at hundreds of schemas, where django-tenants builds the graph of migrations
    for each.
    """
    with connection.cursor() as cursor:
        cursor.execute(_WITH_HISTORY, [list(names)])
        looked_at = [name for (name,) in cursor.fetchall()]
        complete = set()
        for start in range(0, len(looked_at), _SCHEMAS_AT_ONCE):
            cursor.execute(
                _counts(looked_at[start : start + _SCHEMAS_AT_ONCE]),
                {"known": list(known_migrations())},
            )
            complete |= {name for name, count in cursor if count == len(known_migrations())}
    return [name for name in names if name not in complete]


def _counts(names: Sequence[str]) -> sql.Composed:
    return sql.SQL(" UNION ALL ").join(
        sql.SQL(_APPLIED).format(name=sql.Literal(name), schema=sql.Identifier(name))
        for name in names
    )
