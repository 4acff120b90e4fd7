"""Replaces an API key by a new one, while the old one works a little longer."""

from __future__ import annotations

from datetime import timedelta
from typing import cast

from django.utils import timezone

from tenants import tokens
from tenants.context import on_platform
from tenants.models.environment import Environment
from tenants.selectors.api_keys import api_key
from tenants.services.create_api_key import NewApiKey, create_api_key


def rotate_api_key(
    *, environment: Environment, actor: str, key_id: str, overlap_hours: int
) -> NewApiKey:
    """Make a key like an existing one and let that one expire after the overlap.

    Parameters
    ----------
    actor
        Who asks for it, for the audit log.
    overlap_hours
        How long both work, in hours; never longer than the old key would have worked.

    Raises
    ------
    NotFound
        The environment has no such key, or it is revoked.
    """
    with on_platform():
        old = api_key(environment_id=environment.pk, key_id=key_id, for_update=True)
        ends_at = timezone.now() + timedelta(hours=overlap_hours)
        new = create_api_key(
            environment=environment,
            actor=actor,
            name=old.name,
            kind=cast(tokens.KeyKind, old.kind),
            scopes=old.scopes,
            allowed_origins=old.allowed_origins,
        )
        old.expires_at = ends_at if old.expires_at is None else min(old.expires_at, ends_at)
        old.save(update_fields=["expires_at"])
    return new
