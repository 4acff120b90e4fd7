"""The database wrapper fails closed, and PostgreSQL itself refuses what it should never see."""

from __future__ import annotations

import os
from types import SimpleNamespace

import psycopg
import pytest
from django.db import transaction
from django.db.utils import DataError, OperationalError, ProgrammingError
from psycopg import sql
from psycopg.pq import ConnStatus, ExecStatus, TransactionStatus

from engine.models.item import ItemRef
from tenants.context import in_environment, on_platform
from tenants.db.connection import connection
from tenants.errors import NoTenantError, NotInTransactionError
from tenants.models.environment import Environment
from tenants.models.tenant import Tenant
from tests.conftest import Store


@pytest.fixture
def nobody(acorn_store: Store) -> None:
    """No context at all: what a forgotten tenant looks like."""
    assert connection.tenant is None


def test_a_query_for_nobody_is_an_error(nobody: None) -> None:
    with pytest.raises(NoTenantError):
        ItemRef.objects.count()
    with pytest.raises(NoTenantError):
        Tenant.objects.count()


def test_entering_no_environment_is_an_error_and_not_public(nobody: None) -> None:
    with pytest.raises(NoTenantError), in_environment(None):
        pass


def test_a_tenants_query_outside_its_transaction_is_an_error(acorn_store: Store) -> None:
    connection.set_tenant(acorn_store.live)
    try:
        with pytest.raises(NotInTransactionError):
            ItemRef.objects.count()
    finally:
        connection.clear_tenant()


def test_postgresql_refuses_a_tenants_table_without_a_tenant(acorn: Environment) -> None:
    table = sql.Identifier(acorn.schema_name, "engine_item")
    for statement in (
        sql.SQL("SELECT count(*) FROM engine_item"),
        sql.SQL("SELECT count(*) FROM {}").format(table),
    ):
        with pytest.raises(ProgrammingError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement.as_string(connection.connection))


def test_postgresql_refuses_another_tenants_table_and_public(
    acorn: Environment, birch: Environment
) -> None:
    for forbidden in (
        sql.Identifier(birch.schema_name, "engine_item"),
        sql.Identifier("public", "tenants_apikey"),
        sql.Identifier("public", "tenants_job"),
    ):
        with (
            pytest.raises(ProgrammingError, match="permission denied"),
            in_environment(acorn),
            connection.cursor() as cursor,
        ):
            cursor.execute(sql.SQL("SELECT count(*) FROM {}").format(forbidden).as_string(None))


def test_a_stacked_statement_cannot_change_the_role(acorn: Environment, birch: Environment) -> None:
    with (
        pytest.raises(ProgrammingError, match="multiple commands"),
        in_environment(acorn),
        connection.cursor() as cursor,
    ):
        cursor.execute(f"SELECT %s; SET ROLE {birch.role_name}", [1])


def test_two_environments_and_the_platform_nest_in_one_transaction(
    acorn: Environment, birch: Environment
) -> None:
    with in_environment(acorn):
        ItemRef.objects.create(ref="of acorn")
        with on_platform():
            assert Tenant.objects.count() >= 2
            with in_environment(birch):
                assert not ItemRef.objects.exists()
        assert ItemRef.objects.get().ref == "of acorn"


def test_a_prepared_statement_reads_the_tables_of_whom_it_runs_for(
    acorn: Environment, birch: Environment
) -> None:
    for environment in (acorn, birch):
        with in_environment(environment):
            ItemRef.objects.create(ref=environment.schema_name)
    with on_platform(), connection.cursor() as cursor:
        # Else its statistics decide whether PostgreSQL keeps a plan.
        cursor.execute("SET LOCAL plan_cache_mode = force_generic_plan")
    # More often than psycopg waits before it prepares.
    for environment in [acorn] * 12 + [birch, acorn] * 12:
        with in_environment(environment):
            assert ItemRef.objects.get(ref__startswith="t_").ref == environment.schema_name
    with on_platform(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT max(generic_plans) FROM pg_prepared_statements WHERE statement LIKE %s",
            ["%engine_itemref%"],
        )
        assert cursor.fetchone()[0] > 0


def test_a_rolled_back_savepoint_does_not_leave_the_connection_in_another_tenant(
    acorn: Environment, birch: Environment
) -> None:
    with in_environment(acorn):
        ItemRef.objects.create(ref="of acorn")
        with pytest.raises(DataError), in_environment(birch):
            ItemRef.objects.create(ref="x" * 257)
        assert [row.ref for row in ItemRef.objects.all()] == ["of acorn"]
        assert _role() == acorn.role_name


def test_a_statement_that_fails_on_the_platform_undoes_its_savepoint_alone(
    acorn: Environment,
) -> None:
    with in_environment(acorn):
        ItemRef.objects.create(ref="of acorn")
        with (
            pytest.raises(DataError),
            transaction.atomic(),
            on_platform(),
            connection.cursor() as cursor,
        ):
            cursor.execute("SELECT 1 / 0")
        assert [row.ref for row in ItemRef.objects.all()] == ["of acorn"]
        assert _role() == acorn.role_name


def test_role_and_search_path_end_with_the_transaction(acorn_store: Store) -> None:
    with in_environment(acorn_store.live):
        assert _role() == acorn_store.live.role_name
    with on_platform():
        assert _role() == os.environ["DATABASE_URL"].split("//")[1].split("@")[0]


@pytest.mark.parametrize("variable", ["DATABASE_URL", "DATABASE_OWNER_URL"])
def test_no_login_is_a_superuser(migrated: None, variable: str) -> None:
    with psycopg.connect(os.environ[variable]) as login:
        row = login.execute(
            "SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user"
        ).fetchone()
    assert row == (False, False)


def _role() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        return str(cursor.fetchone()[0])


def test_a_connection_that_the_server_closed_is_not_lent_again(acorn_store: Store) -> None:
    def backend() -> int:
        with on_platform(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            (number,) = cursor.fetchone()
            return int(number)

    before = backend()
    connection.close()
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as other:
        # Returns once the backend has ended.
        assert other.execute("SELECT pg_terminate_backend(%s, 15000)", [before]).fetchone() == (
            True,
        )
    assert backend() != before


def test_an_error_that_no_server_said_is_a_lost_connection(
    acorn_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    # libpq's answer when PostgreSQL dies while it is written to: not called bad until it is read.
    result = SimpleNamespace(status=ExecStatus.FATAL_ERROR, error_field=lambda field: None)
    broken = SimpleNamespace(
        status=ConnStatus.OK,
        transaction_status=TransactionStatus.IDLE,
        exec_=lambda statement: result,
    )
    with in_environment(acorn_store.live), monkeypatch.context() as patched:
        connection.ensure_connection()
        patched.setattr(connection.connection, "pgconn", broken)
        with pytest.raises(OperationalError, match="lost"):
            connection.cursor()


def test_a_transaction_begins_in_one_round_trip_with_its_role(acorn_store: Store) -> None:
    with in_environment(acorn_store.live), connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('search_path'), current_user, now() < clock_timestamp()"
        )
        assert cursor.fetchone() == (
            acorn_store.live.schema_name,
            acorn_store.live.role_name,
            True,
        )
    with on_platform(), connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('search_path'), current_user = session_user")
        assert cursor.fetchone() == ("public", True)
