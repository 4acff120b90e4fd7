r"""The form of API keys and tokens: pure, so that the web and inference processes agree.

A key is a prefix that names its kind and environment, 30 random base62 characters, and the CRC32
of both in base62, so that a leak scanner knows a real key without asking us:
``[sp]k_(live|test)_[0-9A-Za-z]{36}``.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import string
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import jwt
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

KeyKind = Literal["secret", "publishable"]
EnvironmentKind = Literal["live", "test"]

SCOPES: tuple[str, ...] = (
    "catalogue:read",
    "catalogue:write",
    "events:read",
    "events:write",
    "recommendations:read",
    "models:read",
    "models:write",
    "usage:read",
    "usage:write",
    "settings:write",
    "audit:read",
    "privacy:write",
)
PUBLISHABLE_SCOPES: tuple[str, ...] = ("events:write", "recommendations:read")

ISSUER = "shelfwise"
AUDIENCE = "shelfwise-api"
ALGORITHM = "EdDSA"
# Another audience, so that a page's token never opens the API.
USER_AUDIENCE = "shelfwise-user"
# A third one: the portal asks what shoppers get, which is no call of the store's.
PREVIEW_AUDIENCE = "shelfwise-preview"
# The key is the refresh, so a token can be short.
ACCESS_TOKEN_SECONDS = 15 * 60
USER_TOKEN_SECONDS = 60 * 60
# One page of the portal; the token never leaves our own processes.
PREVIEW_TOKEN_SECONDS = 60
MAX_USER_TOKEN_SECONDS = 24 * 60 * 60
LEEWAY_SECONDS = 5

_BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
_RANDOM_CHARACTERS = 30
_CRC_CHARACTERS = 6
_KEY = re.compile(r"([sp])k_(live|test)_([0-9A-Za-z]{30})([0-9A-Za-z]{6})")


def make_key(*, kind: KeyKind, environment: EnvironmentKind) -> str:
    """Return a new API key; its text exists nowhere else.

    >>> is_well_formed(make_key(kind="secret", environment="live"))
    True
    """
    random = "".join(secrets.choice(_BASE62) for _ in range(_RANDOM_CHARACTERS))
    body = f"{kind[0]}k_{environment}_{random}"
    return body + _checksum(body)


def is_well_formed(key: str) -> bool:
    """Say whether a text has the form and the checksum of a key of ours.

    >>> is_well_formed("sk_live_" + "0" * 36)
    False
    """
    match = _KEY.fullmatch(key)
    return match is not None and _checksum(key[:-_CRC_CHARACTERS]) == match.group(4)


def digest(key: str) -> bytes:
    """Return what is stored of a key. It holds 178 random bits, so a fast hash is enough."""
    return hashlib.sha256(key.encode()).digest()


def _checksum(body: str) -> str:
    value = zlib.crc32(body.encode())
    characters = []
    for _ in range(_CRC_CHARACTERS):
        value, remainder = divmod(value, len(_BASE62))
        characters.append(_BASE62[remainder])
    return "".join(reversed(characters))


@dataclass(frozen=True, slots=True)
class Claims:
    """What an access token says: whose key it was made from, and what it may do until when.

    A preview's is made from no key, and what it asks for is not the store's to pay.
    """

    tenant_id: str
    environment_id: int
    key_id: str
    scopes: tuple[str, ...]
    expires_at: int
    is_preview: bool = False


@dataclass(frozen=True, slots=True)
class VerifyingKeys:
    """The public keys that tokens may be signed with, by `kid`: the current and the previous."""

    by_kid: Mapping[str, Any]

    @classmethod
    def from_pem(cls, bundle: str) -> VerifyingKeys:
        """Read one or two public keys from a bundle of PEM blocks."""
        blocks = re.findall(
            r"-----BEGIN PUBLIC KEY-----.*?-----END PUBLIC KEY-----", bundle, re.DOTALL
        )
        keys = [load_pem_public_key(block.encode()) for block in blocks]
        return cls(by_kid={key_id(key): key for key in keys})

    def as_jwks(self) -> dict[str, list[dict[str, str]]]:
        """Return the published form (RFC 7517, RFC 8037)."""
        return {
            "keys": [
                {
                    **jwt.algorithms.OKPAlgorithm.to_jwk(key, as_dict=True),
                    "kid": kid,
                    "use": "sig",
                    "alg": ALGORITHM,
                }
                for kid, key in self.by_kid.items()
            ]
        }


def key_id(public_key: Any) -> str:  # cryptography has no common base type
    """Return the `kid` of a public key: a digest of the key, so that it needs no register."""
    raw = public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(raw).hexdigest()[:16]


def sign(claims: Mapping[str, Any], *, signing_key: str) -> str:
    """Return a signed token that carries the claims and the `kid` of its key."""
    private_key = load_pem_private_key(signing_key.encode(), password=None)
    return jwt.encode(
        dict(claims),
        signing_key,
        algorithm=ALGORITHM,
        headers={"kid": key_id(private_key.public_key())},
    )


def verify(token: str, *, keys: VerifyingKeys, audience: str | Sequence[str]) -> dict[str, Any]:
    """Return the claims of a good token.

    Raises
    ------
    jwt.InvalidTokenError
        Wrong signature, algorithm, key, audience, issuer or time, or a claim is missing.
    """
    kid = jwt.get_unverified_header(token).get("kid")
    key = keys.by_kid.get(kid) if isinstance(kid, str) else None
    if key is None:
        raise jwt.InvalidTokenError("unknown kid")
    claims: dict[str, Any] = jwt.decode(
        token,
        key,
        algorithms=[ALGORITHM],
        audience=audience,
        issuer=ISSUER,
        leeway=LEEWAY_SECONDS,
        options={"require": ["exp", "iat", "iss", "aud", "jti"]},
    )
    return claims


def verify_call_token(token: str, *, keys: VerifyingKeys) -> Claims:
    """Return what a token says that may ask for recommendations: also the portal's own.

    Raises
    ------
    jwt.InvalidTokenError
        The token is not one of ours, or not one any more.
    """
    return claims_of(verify(token, keys=keys, audience=(AUDIENCE, PREVIEW_AUDIENCE)))


def claims_of(payload: Mapping[str, Any]) -> Claims:
    """Return what a verified access token says.

    Raises
    ------
    jwt.InvalidTokenError
        A claim is missing or has another type.
    """
    try:
        return Claims(
            tenant_id=str(payload["tid"]),
            environment_id=int(payload["env"]),
            key_id=str(payload["key"]),
            scopes=tuple(str(scope) for scope in payload["scopes"]),
            expires_at=int(payload["exp"]),
            is_preview=payload["aud"] == PREVIEW_AUDIENCE,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise jwt.InvalidTokenError("a claim is missing") from error


@dataclass(frozen=True, slots=True)
class UserClaims:
    """What a user token says: the store's word for who is at a page, and the key it gave it with.

    It ends with that key, so that tokens made with a stolen one end, too.
    """

    environment_id: int
    user_id: str
    key_id: str
    expires_at: int

    def is_for(self, *, environment_id: int, user_id: str) -> bool:
        """Say whether the token speaks for this user of this environment."""
        return (self.environment_id, self.user_id) == (environment_id, user_id)


def sign_user_token(claims: UserClaims, *, issued_at: int, jti: str, signing_key: str) -> str:
    """Return the token that lets a page name one user."""
    return sign(
        {
            "iss": ISSUER,
            "aud": USER_AUDIENCE,
            "iat": issued_at,
            "exp": claims.expires_at,
            "jti": jti,
            "env": claims.environment_id,
            "key": claims.key_id,
            "sub": claims.user_id,
        },
        signing_key=signing_key,
    )


def verify_user_token(token: str, *, keys: VerifyingKeys) -> UserClaims:
    """Return what a user token says.

    Raises
    ------
    jwt.InvalidTokenError
        The token is not one of ours, not one any more, or of another kind.
    """
    payload = verify(token, keys=keys, audience=USER_AUDIENCE)
    try:
        return UserClaims(
            environment_id=int(payload["env"]),
            user_id=str(payload["sub"]),
            key_id=str(payload["key"]),
            expires_at=int(payload["exp"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise jwt.InvalidTokenError("a claim is missing") from error
