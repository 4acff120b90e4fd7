"""simplejwt's tokens over our own signatures: a `kid`, and two verifying keys for rotation."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from typing import Any, cast

import jwt
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.exceptions import TokenBackendError
from rest_framework_simplejwt.tokens import AccessToken as SimpleAccessToken
from typing_extensions import override

from saas.lib.config import config
from tenants import tokens


class RotatingTokenBackend(TokenBackend):
    """Signs with the current key, verifies with the current and the previous one."""

    def __init__(self, *, signing_key: str | None, keys: tokens.VerifyingKeys) -> None:
        super().__init__(
            tokens.ALGORITHM,
            signing_key=signing_key,
            audience=tokens.AUDIENCE,
            issuer=tokens.ISSUER,
            leeway=tokens.LEEWAY_SECONDS,
        )
        self.keys = keys

    @override
    def encode(self, payload: dict[str, Any]) -> str:
        if self.signing_key is None:
            raise TokenBackendError("SHELFWISE_JWT_SIGNING_KEY is missing in this process.")
        claims = {**payload, "aud": self.audience, "iss": self.issuer}
        return tokens.sign(claims, signing_key=self.signing_key)

    @override
    def decode(self, token: Any, verify: bool = True) -> dict[str, Any]:
        if not verify:
            raise TokenBackendError("A token is never read without its signature.")
        try:
            return tokens.verify(token, keys=self.keys, audience=tokens.AUDIENCE)
        except jwt.InvalidTokenError as error:
            raise TokenBackendError("The token is not valid.") from error


@cache
def token_backend() -> RotatingTokenBackend:
    """Return the backend with this process's keys."""
    return RotatingTokenBackend(
        signing_key=config().jwt_signing_key,
        keys=tokens.VerifyingKeys.from_pem(config().jwt_verifying_keys),
    )


def decode_access_token(text: str) -> dict[str, Any]:
    """Return what a good access token says.

    Raises
    ------
    rest_framework_simplejwt.exceptions.TokenError
        It is not one of ours, not one any more, or of another type.
    """
    return AccessToken(cast(Any, text)).payload


class AccessToken(SimpleAccessToken):
    """A token of an API key: it names the environment, so that it opens no other one."""

    lifetime = timedelta(seconds=tokens.ACCESS_TOKEN_SECONDS)

    @override
    def get_token_backend(self) -> TokenBackend:
        return token_backend()
