"""Gives a store's page the store's word for who its visitor is."""

from __future__ import annotations

from datetime import datetime

from saas.lib.config import config
from saas.lib.errors import Unavailable
from saas.lib.ids import new_ulid
from tenants import tokens
from tenants.models.environment import Environment
from tenants.services.issue_token import IssuedToken


def issue_user_token(
    *, environment: Environment, key_id: str, user_id: str, expires_in: int, now: datetime
) -> IssuedToken:
    """Sign a token that lets a page name one user, with a publishable key of the environment.

    Parameters
    ----------
    environment
        Where the user is one.
    key_id
        The secret key that asks: revoking it ends the token.
    user_id
        The store's own id.
    expires_in
        Seconds, at most ``tokens.MAX_USER_TOKEN_SECONDS``.
    now
        When it begins to last.

    Raises
    ------
    Unavailable
        This process has no signing key.
    """
    signing_key = config().jwt_signing_key
    if signing_key is None:
        raise Unavailable("This process cannot sign tokens; ask the one that serves /v1/auth.")
    issued_at = int(now.timestamp())
    claims = tokens.UserClaims(
        environment_id=environment.pk,
        user_id=user_id,
        key_id=key_id,
        expires_at=issued_at + expires_in,
    )
    text = tokens.sign_user_token(
        claims, issued_at=issued_at, jti=new_ulid(), signing_key=signing_key
    )
    return IssuedToken(text=text, expires_in=expires_in)
