"""A deploy migrates the schemas that lack a migration, and passes over the others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import call_command
from django.db import transaction
from django_tenants.migration_executors import StandardExecutor
from psycopg import sql

from tenants.context import on_platform
from tenants.db.connection import connection
from tenants.selectors.migrations import known_migrations, unmigrated_schemas
from tests.conftest import Store, as_owner


@pytest.fixture
def owner(migrated: None) -> Iterator[None]:
    """The login that migrates, in a transaction that is taken back."""
    with as_owner(), on_platform(), transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.fixture
def migrated_schemas(owner: None, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The schemas that were handed to django-tenants."""
    handed: list[str] = []

    def run_migrations(_: StandardExecutor, tenants: Any) -> None:
        handed.extend(tenants)

    monkeypatch.setattr(StandardExecutor, "run_migrations", run_migrations)
    return handed


def forget_last_migration(schema: str) -> None:
    statement = "DELETE FROM {}.django_migrations WHERE app || '.' || name = %s"
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL(statement).format(sql.Identifier(schema)), [known_migrations()[-1]])
        assert cursor.rowcount == 1


def test_schemas_at_the_codes_migrations_are_not_touched(
    acorn_store: Store, birch_store: Store, migrated_schemas: list[str]
) -> None:
    call_command("migrate_schemas", verbosity=0)
    assert migrated_schemas == []


def test_a_schema_that_lacks_a_migration_is_migrated(
    acorn_store: Store, birch_store: Store, migrated_schemas: list[str]
) -> None:
    forget_last_migration(birch_store.test.schema_name)
    call_command("migrate_schemas", verbosity=0)
    assert migrated_schemas == [birch_store.test.schema_name]


def test_the_platforms_own_schema_is_looked_at_like_the_others(migrated_schemas: list[str]) -> None:
    forget_last_migration("public")
    call_command("migrate_schemas", verbosity=0)
    assert migrated_schemas == ["public"]


@pytest.mark.parametrize("option", ["fake", "prune", "plan", "run_syncdb", "check_unapplied"])
def test_whoever_asks_for_more_gets_it_for_each_schema(
    acorn_store: Store, migrated_schemas: list[str], option: str
) -> None:
    call_command("migrate_schemas", verbosity=0, **{option: True})
    assert {"public", acorn_store.live.schema_name} <= set(migrated_schemas)


def test_a_schema_without_any_history_lacks_all_of_it(acorn_store: Store, owner: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA t_new")
    complete = acorn_store.live.schema_name
    assert unmigrated_schemas(["t_new", complete, "public"]) == ["t_new"]


def test_a_migration_that_only_an_older_code_knew_is_no_lack(
    acorn_store: Store, owner: None
) -> None:
    schema = acorn_store.live.schema_name
    statement = "INSERT INTO {}.django_migrations (app, name, applied) VALUES ('old', 'x', now())"
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL(statement).format(sql.Identifier(schema)))
    assert unmigrated_schemas([schema]) == []


def test_many_schemas_are_looked_at_in_few_statements(
    acorn_store: Store, birch_store: Store, owner: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tenants.selectors.migrations._SCHEMAS_AT_ONCE", 2)
    names = [
        each.schema_name
        for store in (acorn_store, birch_store)
        for each in (store.live, store.test)
    ]
    forget_last_migration(names[3])
    statements: list[str] = []

    def note(execute: Any, statement: Any, *rest: Any) -> Any:
        statements.append(str(statement))
        return execute(statement, *rest)

    with connection.execute_wrapper(note):
        assert unmigrated_schemas(names) == [names[3]]
    assert len(statements) == 3
