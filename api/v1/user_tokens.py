"""Lets a page name a user where the store has given its word for it: a user token."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import jwt
from django.utils import timezone

from api.v1.authentication import Caller
from engine.rows.values import shown
from saas.lib.errors import UserTokenRequired
from tenants import tokens
from tenants.selectors.credential import credential_by_key_id
from tenants.token_backend import token_backend

MEMBER = "user_token"


def admit_users(
    rows: Iterable[Any], *, caller: Caller, token: Any, pointer_of: Callable[[int], str]
) -> None:
    """Take the user tokens out of events and hold a page to them; a server needs none.

    Parameters
    ----------
    rows
        The events as sent. One may carry a token of its own, which goes before `token`.
    token
        The body's token.
    pointer_of
        Returns the JSON pointer of an event's user in the body.

    Raises
    ------
    UserTokenRequired
        A page names a user without a token that speaks for that user.
    """
    is_page = caller.kind == "publishable"
    claims: dict[str, tokens.UserClaims | None] = {}
    for index, row in enumerate(rows):
        if not isinstance(row, dict):
            continue
        own = row.pop(MEMBER, None) or token
        user_id = row.get("user_id")
        if not is_page or user_id is None:
            continue
        if isinstance(own, str) and own not in claims:
            claims[own] = _claims(own)
        found = claims.get(own) if isinstance(own, str) else None
        if found is None or not found.is_for(environment_id=caller.environment.pk, user_id=user_id):
            raise UserTokenRequired(
                f"An event names user_id {shown(user_id)} with a publishable key and no "
                "valid user_token of that user; get one from POST /v1/auth/user-token, send an "
                "anonymous_id, or send the event from your server.",
                pointer=pointer_of(index),
            )


def _claims(text: str) -> tokens.UserClaims | None:
    try:
        claims = tokens.verify_user_token(text, keys=token_backend().keys)
    except jwt.PyJWTError:
        return None
    credential = credential_by_key_id(claims.key_id)
    is_good = (
        credential is not None
        and credential.environment.pk == claims.environment_id
        and credential.is_usable(now=timezone.now())
    )
    return claims if is_good else None
