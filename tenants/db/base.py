"""The database wrapper that fails closed: every query says for whom, and PostgreSQL enforces it.

Three states of a connection: *nobody* (a query raises), the *platform* (the `public` schema as the
login itself, which has no rights on any tenant's schema), and an *environment* (its schema and its
role, set with `SET LOCAL`, so that both end with the transaction and no pooled connection can
carry them to the next borrower).
"""

from __future__ import annotations

import select
from functools import lru_cache
from typing import Any

from django_tenants.postgresql_backend import base as django_tenants_backend
from psycopg import OperationalError, sql
from psycopg.errors import error_from_result
from psycopg.pq import DiagnosticField, ExecStatus, TransactionStatus
from typing_extensions import override

from tenants.errors import NoTenantError, NotInTransactionError

# ROLLBACK TO SAVEPOINT reverts a SET LOCAL that was made after the savepoint.
_UNKNOWN = ("", "")


class DatabaseWrapper(django_tenants_backend.DatabaseWrapper):  # type: ignore[misc]  # untyped base
    """django-tenants' wrapper with a role per environment and no default tenant."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._in_force: tuple[str, str | None] | None = None
        super().__init__(*args, **kwargs)
        self.clear_tenant()

    def clear_tenant(self) -> None:
        """Forget for whom queries are made: until somebody says so, they raise."""
        self.tenant: Any = None
        self.schema_name: str | None = None
        self.search_path_set_schemas = None

    @override
    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        connection = super().get_new_connection(conn_params)
        while _has_hung_up(connection):
            connection.close()
            self.pool.putconn(connection)
            connection = super().get_new_connection(conn_params)
        return connection

    @override
    def _handle_search_path(self, cursor: Any = None) -> None:
        if self.schema_name is None:
            raise NoTenantError(
                "A query was made for nobody; wrap it in in_environment(…) or on_platform()."
            )
        role = getattr(self.tenant, "role_name", None)
        if role is None and self._in_force is None:
            super()._handle_search_path(cursor)
            return
        if not self.in_atomic_block:
            raise NotInTransactionError(
                f"A query for schema '{self.schema_name}' was made outside a transaction; "
                "wrap it in in_environment(…)."
            )
        wanted = (self.schema_name, role)
        if self._in_force != wanted:
            self._set_local(*wanted)

    def _set_local(self, schema_name: str, role: str | None) -> None:
        # Past Django's cursor, so that query counts stay true, and together with psycopg's BEGIN.
        pgconn = self.connection.pgconn
        is_begun = pgconn.transaction_status != TransactionStatus.IDLE
        with self.wrap_database_errors:
            result = pgconn.exec_(_set_local(schema_name, role, is_begun=is_begun))
            if result.status != ExecStatus.COMMAND_OK:
                # What no server said comes from a connection that broke while it was written to;
                # libpq may not call it bad yet.
                if result.error_field(DiagnosticField.SQLSTATE) is None:
                    raise OperationalError("The connection to PostgreSQL is lost.")
                raise error_from_result(result)
        self._in_force = (schema_name, role)

    @override
    def _commit(self) -> None:
        super()._commit()
        self._in_force = None

    @override
    def _rollback(self) -> None:
        super()._rollback()
        self._in_force = None

    @override
    def savepoint_rollback(self, sid: str) -> None:
        super().savepoint_rollback(sid)
        if self._in_force is not None:
            self._in_force = _UNKNOWN

    @override
    def _savepoint_rollback(self, sid: str) -> None:
        # Past Django's cursor: a statement that failed elsewhere (on the platform, say) would have
        # SET LOCAL come first, which a failed transaction refuses.
        with self.wrap_database_errors:
            self.connection.execute(self.ops.savepoint_rollback_sql(sid))

    @override
    def close(self) -> None:
        self._in_force = None
        super().close()


def _has_hung_up(connection: Any) -> bool:
    """Say whether the server has closed an idle connection: it has something to say unasked.

    This is what a health check is for, without asking PostgreSQL before each request.
    """
    poll = select.poll()
    poll.register(connection.pgconn.socket, select.POLLIN)
    return bool(poll.poll(0))


@lru_cache(maxsize=1_000)
def _set_local(schema_name: str, role: str | None, *, is_begun: bool) -> bytes:
    return (
        sql.SQL("{}SET LOCAL search_path = {}; SET LOCAL ROLE {}")
        .format(
            sql.SQL("" if is_begun else "BEGIN; "),
            sql.Identifier(schema_name),
            sql.SQL("NONE") if role is None else sql.Identifier(role),
        )
        .as_bytes()
    )
