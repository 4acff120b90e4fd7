"""Exchanges an API key for a short token that opens the same environment."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from tenants import tokens
from tenants.models.environment import Environment
from tenants.token_backend import AccessToken


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """An access token (RFC 7519) and how many seconds it lasts."""

    text: str
    expires_in: int


def issue_token(*, environment: Environment, key_id: str, scopes: Collection[str]) -> IssuedToken:
    """Sign a token that is bound to its tenant, its environment and its key.

    Parameters
    ----------
    key_id
        The API key it is made from: revoking the key ends the token.
    scopes
        What the token may do: the key's own scopes.
    """
    token = AccessToken()
    token["tid"] = str(environment.tenant_id)
    token["env"] = environment.pk
    token["key"] = key_id
    token["scopes"] = sorted(scopes)
    return IssuedToken(text=str(token), expires_in=tokens.ACCESS_TOKEN_SECONDS)
