"""Reads the store's users as the API shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from django.db import connection

from engine.selectors.items import moment

_BY_ID = """
    SELECT external_id, attributes, personalise, source_updated_at, deleted_at
    FROM engine_shopper WHERE kind = 'user' AND external_id = ANY(%s)
"""


def stored_users(user_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return users by id, deleted ones too."""
    with connection.cursor() as cursor:
        cursor.execute(_BY_ID, [list(user_ids)])
        return {
            user_id: {
                "attributes": orjson.loads(attributes),
                "personalise": personalise,
                "source_updated_at": source_updated_at,
                "deleted_at": deleted_at,
            }
            for user_id, attributes, personalise, source_updated_at, deleted_at in cursor
        }


def user_body(user_id: str) -> Mapping[str, Any] | None:
    """Return a user as the contract shows it, or None where there is none."""
    user = stored_users([user_id]).get(user_id)
    if user is None or user["deleted_at"] is not None:
        return None
    return {
        "id": user_id,
        "attributes": user["attributes"],
        "personalise": user["personalise"],
        "source_updated_at": moment(user["source_updated_at"]),
    }
