"""The API keys of an environment."""

from __future__ import annotations

from saas.lib.errors import NotFound
from tenants.context import on_platform
from tenants.models.api_key import ApiKey


def api_keys(*, environment_id: int, after: str | None, limit: int) -> list[ApiKey]:
    """Return keys that are not revoked, oldest first."""
    with on_platform():
        rows = ApiKey.objects.filter(environment_id=environment_id, revoked_at__isnull=True)
        if after is not None:
            rows = rows.filter(pk__gt=after)
        return list(rows.order_by("pk")[:limit])


def revoked_api_keys(*, environment_id: int, limit: int) -> list[ApiKey]:
    """Return keys that were revoked, the last first."""
    with on_platform():
        rows = ApiKey.objects.filter(environment_id=environment_id, revoked_at__isnull=False)
        return list(rows.order_by("-revoked_at")[:limit])


def api_key(*, environment_id: int, key_id: str, for_update: bool = False) -> ApiKey:
    """Return a key that is not revoked.

    Raises
    ------
    NotFound
        The environment has no such key.
    """
    with on_platform():
        rows = ApiKey.objects.filter(environment_id=environment_id, revoked_at__isnull=True)
        row = (rows.select_for_update() if for_update else rows).filter(pk=key_id).first()
    if row is None:
        raise NotFound(f"There is no API key '{key_id}'; 'GET /v1/keys' lists the keys.")
    return row
