"""The default connection under the type that it has here."""

from __future__ import annotations

from typing import cast

from django.db import connection as django_connection

from tenants.db.base import DatabaseWrapper

connection = cast("DatabaseWrapper", django_connection)
