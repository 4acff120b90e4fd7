"""Whose credential is this? Asked on every API request, so the answer is kept for a second."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

from django.db.models import Q
from django.utils import timezone

from tenants.context import on_platform
from tenants.models.api_key import ApiKey
from tenants.models.environment import Environment
from tenants.models.tenant import Entitlement, Tenant

# Revoking a key must act within two seconds everywhere.
KEPT_SECONDS = 1.0
_MAX_KEPT = 10_000
_LAST_USED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Credential:
    """An API key as it stands, with whom it opens. The environment's row is up to a second old."""

    key_id: str
    kind: str
    scopes: frozenset[str]
    allowed_origins: frozenset[str]
    expires_at: datetime | None
    is_revoked: bool
    environment: Environment
    tenant: Tenant
    entitlement: Entitlement

    def is_usable(self, *, now: datetime) -> bool:
        """Say whether the key opens anything; a suspended tenant's key still does."""
        is_expired = self.expires_at is not None and self.expires_at <= now
        is_gone = (
            self.environment.deleted_at is not None or self.tenant.status == Tenant.Status.DELETED
        )
        return not (self.is_revoked or is_expired or is_gone)


_kept: dict[tuple[str, Any], tuple[float, Credential]] = {}


def credential_by_digest(digest: bytes) -> Credential | None:
    """Return the key with this SHA-256."""
    return _find(digest=digest)


def credential_by_key_id(key_id: str) -> Credential | None:
    """Return the key with this public name, which a token carries."""
    return _find(pk=key_id)


def forget_credentials() -> None:
    """Ask PostgreSQL again at the next request of this process."""
    _kept.clear()


def _find(**column: Any) -> Credential | None:
    (name,) = column.items()
    kept = _kept.get(name)
    now = monotonic()
    if kept is not None and kept[0] > now:
        return kept[1]
    credential = _read(column)
    if credential is None:
        # Not kept: a stranger's guesses would push out the keys in use.
        _kept.pop(name, None)
        return None
    if len(_kept) >= _MAX_KEPT:
        _kept.clear()
    _kept[name] = (now + KEPT_SECONDS, credential)
    return credential


def _read(column: dict[str, Any]) -> Credential | None:
    with on_platform():
        keys = ApiKey.objects.select_related("environment__tenant__entitlement")
        row = keys.filter(**column).first()
        if row is None:
            return None
        _note_use(row)
    return Credential(
        key_id=row.id,
        kind=row.kind,
        scopes=frozenset(row.scopes),
        allowed_origins=frozenset(row.allowed_origins),
        expires_at=row.expires_at,
        is_revoked=row.revoked_at is not None,
        environment=row.environment,
        tenant=row.environment.tenant,
        entitlement=row.environment.tenant.entitlement,
    )


def _note_use(row: ApiKey) -> None:
    now = timezone.now()
    due = now - _LAST_USED_EVERY
    if row.last_used_at is not None and row.last_used_at > due:
        return
    # Conditional, so that of many processes one writes.
    ApiKey.objects.filter(
        Q(last_used_at__isnull=True) | Q(last_used_at__lte=due), pk=row.pk
    ).update(last_used_at=now)
