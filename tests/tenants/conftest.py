"""What tests of the platform's tables share."""

from __future__ import annotations

import pytest
from django.db import connection


@pytest.fixture
def nested_loops_only(database: None) -> None:
    """PostgreSQL joins as it does where it takes a table for a tiny one."""
    from tenants.context import on_platform

    with on_platform(), connection.cursor() as cursor:
        for method in ("hashjoin", "hashagg", "mergejoin", "sort", "material"):
            cursor.execute(f"SET LOCAL enable_{method} = off")
