"""Makes an API key; its text is in the answer and nowhere else."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from django.utils import timezone

from saas.lib.errors import InvalidParameter
from tenants import tokens
from tenants.context import on_platform
from tenants.models.api_key import ApiKey
from tenants.models.environment import Environment
from tenants.services.record_audit import record_audit

_PREFIX_CHARACTERS = len("sk_live_") + 4


@dataclass(frozen=True, slots=True)
class NewApiKey:
    """A key's row, and its text, which is shown once."""

    row: ApiKey
    text: str


def create_api_key(
    *,
    environment: Environment,
    actor: str,
    name: str,
    kind: tokens.KeyKind = "secret",
    scopes: Collection[str] | None = None,
    allowed_origins: Collection[str] = (),
    expires_at: datetime | None = None,
) -> NewApiKey:
    """Make a key for an environment, inside the caller's transaction.

    Parameters
    ----------
    actor
        Who asks for it, for the audit log.
    scopes
        What it may do; `None` means everything that its kind may.
    allowed_origins
        The pages that may use a publishable key.

    Raises
    ------
    InvalidParameter
        A scope is unknown or not for this kind, or the key would already have expired.
    """
    possible = tokens.SCOPES if kind == "secret" else tokens.PUBLISHABLE_SCOPES
    for scope in scopes or ():
        if scope not in possible:
            raise InvalidParameter(
                f"'{scope[:40]}' is no scope of a {kind} key; it has: {', '.join(possible)}.",
                pointer="/scopes",
            )
    if expires_at is not None and expires_at <= timezone.now():
        raise InvalidParameter(
            f"'expires_at' is {expires_at.isoformat()}; send a time to come.", pointer="/expires_at"
        )
    chosen = possible if scopes is None else [each for each in possible if each in scopes]
    text = tokens.make_key(kind=kind, environment=cast(tokens.EnvironmentKind, environment.kind))
    with on_platform():
        row = ApiKey.objects.create(
            environment=environment,
            kind=kind,
            name=name,
            prefix=text[:_PREFIX_CHARACTERS],
            last_four=text[-4:],
            digest=tokens.digest(text),
            scopes=list(chosen),
            allowed_origins=sorted(allowed_origins),
            expires_at=expires_at,
        )
    record_audit(
        tenant_id=environment.tenant_id,
        actor=actor,
        action="api_key_created",
        object=f"api_key:{row.id}",
        after={"kind": kind, "name": name, "scopes": list(chosen)},
    )
    return NewApiKey(row=row, text=text)
