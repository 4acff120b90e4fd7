"""A provisioned schema is what a migration would have made, to the last sequence."""

from __future__ import annotations

import os
import secrets

import psycopg

from tenants.context import on_platform
from tenants.models.environment import Environment
from tests.conftest import Store, as_owner, make_store

# Everything the catalogue knows of a schema, with the schema's own name taken out.
CATALOGUE = """
SELECT 'column', c.relname, a.attnum::text, a.attname, format_type(a.atttypid, a.atttypmod),
       a.attnotnull::text, a.attidentity::text, coalesce(pg_get_expr(d.adbin, d.adrelid), '')
  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
  LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
 WHERE c.relnamespace = %(schema)s::text::regnamespace AND c.relkind IN ('r', 'p')
UNION ALL
SELECT 'index', tablename, indexname, replace(indexdef, %(schema)s::text, 'X'), '', '', '', ''
  FROM pg_indexes WHERE schemaname = %(schema)s::text
UNION ALL
SELECT 'constraint', conrelid::regclass::text, conname, replace(pg_get_constraintdef(oid),
       %(schema)s::text, 'X'), '', '', '', ''
  FROM pg_constraint WHERE connamespace = %(schema)s::text::regnamespace
UNION ALL
SELECT 'sequence', sequencename, data_type::text, start_value::text, coalesce(last_value, 0)::text,
       increment_by::text, '', ''
  FROM pg_sequences WHERE schemaname = %(schema)s::text
UNION ALL
SELECT 'trigger', tgrelid::regclass::text, tgname, '', '', '', '', ''
  FROM pg_trigger JOIN pg_class c ON c.oid = tgrelid
 WHERE c.relnamespace = %(schema)s::text::regnamespace AND NOT tgisinternal
ORDER BY 1, 2, 3, 4
"""
LIMITS = {"r": 16, "i": 45}


def catalogue(schema: str) -> list[tuple[str, ...]]:
    with psycopg.connect(os.environ["DATABASE_OWNER_URL"]) as owner:
        owner.execute(f'SET search_path = "{schema}"')
        return owner.execute(CATALOGUE, {"schema": schema}).fetchall()


def test_a_provisioned_schema_equals_a_migrated_one(migrated: None) -> None:
    # A store of its own: the cast's sequences move with every test, rolled back or not.
    fresh = make_store("Willow Lamps").live
    second = Environment(
        tenant=fresh.tenant,
        kind="migrated",
        schema_name=f"t_migrated{secrets.token_hex(4)}",
        role_name=f"r_migrated{secrets.token_hex(4)}",
    )
    with as_owner(), on_platform():
        second.create_schema(check_if_exists=True, sync_schema=True, verbosity=0)
    try:
        made, expected = catalogue(fresh.schema_name), catalogue(second.schema_name)
        assert any(row[0] == "sequence" for row in expected)
        assert made == expected
    finally:
        with psycopg.connect(os.environ["DATABASE_OWNER_URL"], autocommit=True) as owner:
            owner.execute(f'DROP SCHEMA "{second.schema_name}" CASCADE')


def test_the_next_migration_can_record_itself_in_a_provisioned_schema(acorn_store: Store) -> None:
    with psycopg.connect(os.environ["DATABASE_OWNER_URL"]) as owner:
        owner.execute(f'SET search_path = "{acorn_store.live.schema_name}"')
        owner.execute("INSERT INTO django_migrations (app, name, applied) VALUES ('x','y',now())")
        owner.rollback()


def test_an_environments_tables_stay_few(acorn_store: Store) -> None:
    with psycopg.connect(os.environ["DATABASE_OWNER_URL"]) as owner:
        counts: dict[str, int] = dict(
            owner.execute(
                "SELECT relkind::text, count(*) FROM pg_class "
                "WHERE relnamespace = %s::regnamespace GROUP BY 1",
                [acorn_store.live.schema_name],
            ).fetchall()
        )
    assert {kind: most for kind, most in LIMITS.items() if counts[kind] > most} == {}


def test_no_foreign_key_leaves_a_tenants_schema(acorn_store: Store) -> None:
    with psycopg.connect(os.environ["DATABASE_OWNER_URL"]) as owner:
        leaving = owner.execute(
            "SELECT conname FROM pg_constraint f JOIN pg_class t ON t.oid = f.confrelid "
            "WHERE f.contype = 'f' AND f.connamespace = %s::regnamespace "
            "AND t.relnamespace <> f.connamespace",
            [acorn_store.live.schema_name],
        ).fetchall()
    assert leaving == []
