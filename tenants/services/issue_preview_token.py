"""Lets the portal ask what a store's shoppers get, without a key and at nobody's cost."""

from __future__ import annotations

from datetime import datetime

from saas.lib.config import config
from saas.lib.errors import Unavailable
from saas.lib.ids import new_ulid
from tenants import tokens
from tenants.models.environment import Environment


def issue_preview_token(*, environment: Environment, now: datetime) -> str:
    """Sign a token that opens recommendation calls and explanations alone, for a minute.

    What is asked with it is answered as a store's secret key would be, and is neither recorded
    nor billed nor counted. It goes from one of our processes to another and to no browser.

    Parameters
    ----------
    environment
        Whose answers; whoever calls has checked that the person may see them.
    now
        When it begins to last.

    Raises
    ------
    Unavailable
        This process has no signing key.
    """
    signing_key = config().jwt_signing_key
    if signing_key is None:
        raise Unavailable("This process cannot sign tokens; set SHELFWISE_JWT_SIGNING_KEY.")
    issued_at = int(now.timestamp())
    claims = {
        "iss": tokens.ISSUER,
        "aud": tokens.PREVIEW_AUDIENCE,
        "iat": issued_at,
        "exp": issued_at + tokens.PREVIEW_TOKEN_SECONDS,
        "jti": new_ulid(),
        "tid": str(environment.tenant_id),
        "env": environment.pk,
        "key": "portal",
        "scopes": ["recommendations:read"],
    }
    return tokens.sign(claims, signing_key=signing_key)
