"""Who may ask for what, as of one moment: an immutable value that the control thread replaces."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

# Raised with each change of a struct below: an older file is read as no file.
_FORMAT = 4


class Tenant(Struct, frozen=True):
    """A store and what staff decided about it."""

    id: str
    status: str


class Environment(Struct, frozen=True):
    """Where a credential leads; `live_version` is the only word on which model serves."""

    id: int
    tenant_id: str
    kind: str
    schema_name: str
    role_name: str
    live_version: str | None
    is_deleted: bool
    on_limit: str = "popular"
    explore_share: float = 0.0
    placements: dict[str, dict[str, Any]] = {}


class Entitlement(Struct, frozen=True):
    """What the tenant's plan allows; times are epoch seconds, None is no limit."""

    tenant_id: str
    state: str
    access: str
    rate_per_second: int | None
    burst: int | None
    period_start: int | None
    period_end: int | None
    included_calls: int | None
    call_limit: int | None
    limited_by: str


class ApiKey(Struct, frozen=True):
    """A credential; `ends_at` is when it expires or was revoked, epoch seconds."""

    id: str
    environment_id: int
    kind: str
    digest: bytes
    scopes: frozenset[str]
    allowed_origins: frozenset[str]
    ends_at: float | None


class Changes(Struct, frozen=True):
    """Rows of the control tables up to `seq`; on disk, all of them."""

    format: int = _FORMAT
    seq: int = 0
    tenants: list[Tenant] = []
    environments: list[Environment] = []
    entitlements: list[Entitlement] = []
    keys: list[ApiKey] = []


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The control tables in memory, found by what a call brings."""

    seq: int = 0
    tenants: Mapping[str, Tenant] = field(default_factory=dict)
    environments: Mapping[int, Environment] = field(default_factory=dict)
    entitlements: Mapping[str, Entitlement] = field(default_factory=dict)
    keys_by_digest: Mapping[bytes, ApiKey] = field(default_factory=dict)
    keys_by_id: Mapping[str, ApiKey] = field(default_factory=dict)

    def with_changes(self, changes: Changes) -> Snapshot:
        """Return the snapshot that follows this one; rows are replaced, never taken away."""
        return Snapshot(
            seq=changes.seq,
            tenants={**self.tenants, **{row.id: row for row in changes.tenants}},
            environments={**self.environments, **{row.id: row for row in changes.environments}},
            entitlements={
                **self.entitlements,
                **{row.tenant_id: row for row in changes.entitlements},
            },
            keys_by_digest={**self.keys_by_digest, **{row.digest: row for row in changes.keys}},
            keys_by_id={**self.keys_by_id, **{row.id: row for row in changes.keys}},
        )


def save(snapshot: Snapshot, path: Path) -> None:
    """Keep a snapshot for a start without PostgreSQL: digests only, readable by us alone."""
    content = msgspec.msgpack.encode(
        Changes(
            seq=snapshot.seq,
            tenants=list(snapshot.tenants.values()),
            environments=list(snapshot.environments.values()),
            entitlements=list(snapshot.entitlements.values()),
            keys=list(snapshot.keys_by_id.values()),
        )
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    # Several processes may share the path, so each writes a file of its own and renames.
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def load(path: Path) -> Snapshot | None:
    """Return the kept snapshot, None where there is none that this version can read."""
    try:
        kept = msgspec.msgpack.decode(path.read_bytes(), type=Changes)
    except (OSError, msgspec.DecodeError):
        return None
    return Snapshot().with_changes(kept) if kept.format == _FORMAT else None
