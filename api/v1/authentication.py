"""Says who is calling: tenant and environment come from the credential and nothing else."""

from __future__ import annotations

from base64 import b64decode
from dataclasses import dataclass

import structlog
from django.utils import timezone
from jwt import InvalidTokenError
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request
from rest_framework_simplejwt.exceptions import TokenError
from typing_extensions import override

from saas.lib.errors import InvalidToken
from saas.lib.refusals import suspended
from tenants import tokens
from tenants.models.environment import Environment
from tenants.models.tenant import Entitlement, Tenant
from tenants.selectors.credential import (
    Credential,
    credential_by_digest,
    credential_by_key_id,
)
from tenants.token_backend import decode_access_token


@dataclass(frozen=True, slots=True)
class Caller:
    """Whom a request acts for, and what it may do."""

    tenant: Tenant
    environment: Environment
    entitlement: Entitlement
    key_id: str
    kind: str
    scopes: frozenset[str]
    allowed_origins: frozenset[str]

    @property
    def actor(self) -> str:
        """Return who it is in the audit log."""
        return f"key:{self.key_id}"


class BearerAuthentication(BaseAuthentication):
    """`Authorization: Bearer` with an API key or an access token, on every endpoint alike."""

    @override
    def authenticate(self, request: Request) -> tuple[None, Caller]:
        return None, _bound(caller_of(request.headers.get("Authorization", "")))

    @override
    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="shelfwise"'


class BeaconAuthentication(BaseAuthentication):
    """A page's key in the query: `navigator.sendBeacon` sends no header of ours.

    A publishable key is everybody's anyway and opens nothing but what a page may do; a secret one
    would stand in the logs of every proxy, so it is no credential there.
    """

    @override
    def authenticate(self, request: Request) -> tuple[None, Caller] | None:
        key = request.query_params.get("key", "")
        if request.method != "POST" or not key or "Authorization" in request.headers:
            return None
        if not key.startswith("pk_"):
            raise InvalidToken
        return None, _bound(caller_of_key(key))


class WriteKeyAuthentication(BaseAuthentication):
    """HTTP Basic with the key as the user, as Segment's libraries send their write key."""

    @override
    def authenticate(self, request: Request) -> tuple[None, Caller] | None:
        scheme, _, text = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return None
        try:
            user, _, _ = b64decode(text.strip(), validate=True).decode("ascii").partition(":")
        except ValueError:
            raise InvalidToken from None
        return None, _bound(caller_of_key(user))


def caller_of(authorization: str) -> Caller:
    """Return who sent this header.

    Raises
    ------
    InvalidToken
        The credential is missing or opens nothing; one error for every cause.
    TenantSuspended
        It is good, and staff suspended its tenant.
    """
    scheme, _, text = authorization.partition(" ")
    if scheme.lower() != "bearer":
        raise InvalidToken
    text = text.strip()
    return caller_of_key(text) if text.startswith(("sk_", "pk_")) else _caller_of_token(text)


def _bound(caller: Caller) -> Caller:
    """Name the caller in what this request logs."""
    structlog.contextvars.bind_contextvars(
        tenant=caller.tenant.slug, environment=caller.environment.kind
    )
    return caller


def caller_of_key(text: str) -> Caller:
    """Return whose API key this is; raises as `caller_of` does."""
    if not tokens.is_well_formed(text):
        raise InvalidToken
    credential = credential_by_digest(tokens.digest(text))
    if credential is None:
        raise InvalidToken
    return _admit(credential, scopes=credential.scopes)


def _caller_of_token(text: str) -> Caller:
    try:
        claims = tokens.claims_of(decode_access_token(text))
    except (TokenError, InvalidTokenError):
        raise InvalidToken from None
    credential = credential_by_key_id(claims.key_id)
    if credential is None:
        raise InvalidToken
    # A token is bound to its store and environment, not only to its key's row.
    opens = (str(credential.tenant.pk), credential.environment.pk)
    if opens != (claims.tenant_id, claims.environment_id):
        raise InvalidToken
    return _admit(credential, scopes=credential.scopes & frozenset(claims.scopes))


def _admit(credential: Credential, *, scopes: frozenset[str]) -> Caller:
    if not credential.is_usable(now=timezone.now()):
        raise InvalidToken
    if credential.tenant.status == Tenant.Status.SUSPENDED:
        raise suspended()
    return Caller(
        tenant=credential.tenant,
        environment=credential.environment,
        entitlement=credential.entitlement,
        key_id=credential.key_id,
        kind=credential.kind,
        scopes=scopes,
        allowed_origins=credential.allowed_origins,
    )
