"""Counts what a piece of code asks PostgreSQL for, so that a test can pin it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from django.test.utils import CaptureQueriesContext

_DATA = ("engine_", "tenants_catalogueclock", "advisory")


@contextmanager
def tenant_statements() -> Iterator[list[str]]:
    """Collect the statements on a store's own data, without savepoints, roles and credentials."""
    statements: list[str] = []
    with CaptureQueriesContext(connection) as queries:
        yield statements
    statements += [each["sql"] for each in queries if any(name in each["sql"] for name in _DATA)]
