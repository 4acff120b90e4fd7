"""Who is calling: an API key or an access token, looked up in the control snapshot."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jwt

from api.inference.control import Control
from api.inference.snapshot import ApiKey, Entitlement, Environment, Snapshot
from api.inference.token_cache import TokenCache
from saas.lib.errors import (
    InsufficientScope,
    InvalidToken,
    OriginNotAllowed,
    Unavailable,
    UserTokenRequired,
)
from saas.lib.refusals import payment_required, suspended
from tenants.tokens import (
    Claims,
    VerifyingKeys,
    digest,
    is_well_formed,
    verify_call_token,
    verify_user_token,
)

SCOPE = "recommendations:read"
_KEY_PREFIXES = ("sk_", "pk_")


class Caller(NamedTuple):
    """Whose call it is and with which key.

    Attributes
    ----------
    is_preview
        The portal asks, to show what shoppers get: the same answer, at nobody's cost.
    """

    environment: Environment
    key: ApiKey
    entitlement: Entitlement | None
    is_preview: bool = False

    @property
    def is_publishable(self) -> bool:
        """Say whether the call comes from a page, so from anyone."""
        return self.key.kind == "publishable"


class Credentials:
    """Reads `Authorization` headers; the snapshot has the last word on every call."""

    def __init__(
        self,
        *,
        control: Control,
        verifying_keys: VerifyingKeys,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._control = control
        self._clock = clock
        self._tokens = TokenCache(partial(verify_call_token, keys=verifying_keys), clock=clock)
        self._user_tokens = TokenCache(partial(verify_user_token, keys=verifying_keys), clock=clock)

    async def caller(self, authorization: bytes | None, *, origin: bytes | None) -> Caller:
        """Return who calls.

        Raises
        ------
        InvalidToken
            Missing, malformed, unknown, expired or revoked, of another tenant: always the same.
        TenantSuspended, PaymentRequired, InsufficientScope, OriginNotAllowed
            The credential is good, the call is not allowed with it.
        Unavailable
            Nobody is known: PostgreSQL is away and there was no snapshot on disk.
        """
        credential = _bearer(authorization)
        if credential.startswith(_KEY_PREFIXES):
            key_digest = digest(credential)
            key = self._control.snapshot.keys_by_digest.get(key_digest)
            if key is None:
                # Only what may be a key of ours is worth a look at PostgreSQL.
                if not is_well_formed(credential):
                    raise InvalidToken
                key = await self._known(lambda snapshot: snapshot.keys_by_digest.get(key_digest))
            scopes = key.scopes
            caller = self._checked(key)
        else:
            claims = self._claims(credential)
            if claims.is_preview:
                key = _preview_key(claims)
            else:
                key = await self._known(lambda snapshot: snapshot.keys_by_id.get(claims.key_id))
            scopes = key.scopes & frozenset(claims.scopes)
            caller = self._checked(key)._replace(is_preview=claims.is_preview)
            bound = (caller.environment.tenant_id, caller.environment.id)
            if bound != (claims.tenant_id, claims.environment_id):
                raise InvalidToken
        if SCOPE not in scopes:
            raise InsufficientScope(SCOPE)
        _check_origin(caller, origin)
        return caller

    async def admit_user(self, caller: Caller, *, user_id: str, token: str | None) -> None:
        """Let a page name a user for whom the store has given its word.

        Raises
        ------
        UserTokenRequired
            There is no token, or it has ended or speaks for somebody else.
        """
        if token is None:
            raise _user_token_required()
        try:
            claims = self._user_tokens.get(token)
            key = await self._known(lambda snapshot: snapshot.keys_by_id.get(claims.key_id))
            is_same = self._checked(key).environment.id == caller.environment.id
        except (jwt.PyJWTError, InvalidToken):
            raise _user_token_required() from None
        if not (is_same and claims.is_for(environment_id=caller.environment.id, user_id=user_id)):
            raise _user_token_required()

    async def _known(self, find: Callable[[Snapshot], ApiKey | None]) -> ApiKey:
        key = find(self._control.snapshot)
        if key is None:
            # Made a moment ago, perhaps: one look at PostgreSQL before saying no.
            await self._control.refreshed()
            key = find(self._control.snapshot)
        if key is None:
            if not self._control.is_known:
                raise Unavailable(
                    "This process does not know any key yet; ask again in a few seconds.",
                    headers={"Retry-After": "2"},
                )
            raise InvalidToken
        return key

    def _checked(self, key: ApiKey) -> Caller:
        snapshot = self._control.snapshot
        if key.ends_at is not None and key.ends_at <= self._clock():
            raise InvalidToken
        environment = snapshot.environments.get(key.environment_id)
        if environment is None or environment.is_deleted:
            raise InvalidToken
        tenant = snapshot.tenants.get(environment.tenant_id)
        if tenant is None or tenant.status == "deleted":
            raise InvalidToken
        if tenant.status == "suspended":
            raise suspended()
        entitlement = snapshot.entitlements.get(tenant.id)
        if entitlement is not None and entitlement.access != "full":
            raise payment_required(
                access=entitlement.access,
                state=entitlement.state,
                is_page=key.kind == "publishable",
            )
        return Caller(environment=environment, key=key, entitlement=entitlement)

    def _claims(self, token: str) -> Claims:
        try:
            return self._tokens.get(token)
        except jwt.PyJWTError:
            raise InvalidToken from None


def _preview_key(claims: Claims) -> ApiKey:
    """Return what stands for a key where the portal asks: it is made from none."""
    return ApiKey(
        id=claims.key_id,
        environment_id=claims.environment_id,
        kind="secret",
        digest=b"",
        scopes=frozenset(claims.scopes),
        allowed_origins=frozenset(),
        ends_at=claims.expires_at,
    )


def _user_token_required() -> UserTokenRequired:
    return UserTokenRequired(
        "A page may name a 'user_id' only with a valid 'user_token' of that user from "
        "POST /v1/auth/user-token; send one, or 'anonymous_id' instead.",
        pointer="/user_id",
    )


def _bearer(authorization: bytes | None) -> str:
    scheme, _, credential = (authorization or b"").partition(b" ")
    if scheme.lower() != b"bearer" or not credential.isascii():
        raise InvalidToken
    return credential.strip().decode("ascii")


def _check_origin(caller: Caller, origin: bytes | None) -> None:
    """Keep a publishable key to the pages on its list; an app sends no origin."""
    if not caller.is_publishable or origin is None:
        return
    text = origin.decode("latin-1")
    if text not in caller.key.allowed_origins:
        raise OriginNotAllowed(
            f"This key is not for pages of '{text[:100]}'; add the origin to the key's list."
        )
