"""Exchanges keys for tokens, says who is calling, and publishes what verifies a token."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from django.db import transaction
from django.http import HttpResponse
from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.v1.authentication import Caller, caller_of_key
from api.v1.idempotency import answer_once, idempotency_key
from api.v1.permissions import ANY_SCOPE
from api.v1.serializers import SecretField, StrictSerializer, TextField, read_body
from api.v1.views import EnvironmentView, PublicView
from engine.rows.values import MAX_ID_CHARACTERS
from saas.lib.errors import InsufficientScope
from tenants import tokens
from tenants.services.issue_token import issue_token
from tenants.services.issue_user_token import issue_user_token
from tenants.token_backend import token_backend

# Long enough to spare requests, short enough that a rotation needs no waiting.
_JWKS_SECONDS = 300


class TokenRequest(StrictSerializer):
    """An API key."""

    api_key = TextField()


class TokenAnswer(serializers.Serializer[Caller]):
    """A token and what it opens."""

    access_token = SecretField(help_text="Goes where a key would.")
    token_type = serializers.ChoiceField(["Bearer"])
    expires_in = serializers.IntegerField(help_text="Seconds.")
    tenant = serializers.CharField()
    environment = serializers.ChoiceField(["live", "test"])
    scopes = serializers.ListField(child=serializers.CharField())


class CallerAnswer(serializers.Serializer[Caller]):
    """What the credential opens."""

    tenant = serializers.CharField()
    name = serializers.CharField()
    environment = serializers.ChoiceField(["live", "test"])
    key_id = serializers.CharField()
    kind = serializers.ChoiceField(["secret", "publishable"])
    scopes = serializers.ListField(child=serializers.CharField())


class TokenView(PublicView):
    """POST /v1/auth/token."""

    secret_members = ("access_token",)

    @extend_schema(request=TokenRequest, responses=TokenAnswer, auth=[])
    def post(self, request: Request) -> HttpResponse:
        """Exchange an API key for a token of 15 minutes. Most callers just use the key."""
        caller = caller_of_key(read_body(TokenRequest, request.data)["api_key"])
        key = idempotency_key(request)
        if key is None:
            return _token_answer(caller)
        with transaction.atomic():
            return answer_once(
                environment=caller.environment,
                request=request,
                key=key,
                answer=partial(self.answer_or_problem, partial(_token_answer, caller)),
                secret_members=self.secret_members,
            )


class UserTokenRequest(StrictSerializer):
    """Whom a page may name, and for how long."""

    user_id = TextField(max_length=MAX_ID_CHARACTERS, trim_whitespace=False)
    expires_in = serializers.IntegerField(
        min_value=1,
        max_value=tokens.MAX_USER_TOKEN_SECONDS,
        default=tokens.USER_TOKEN_SECONDS,
        help_text="Seconds.",
    )


class UserTokenAnswer(serializers.Serializer[Caller]):
    """A token for the page of one user."""

    user_token = SecretField(help_text="For the page, beside `user_id`.")
    user_id = serializers.CharField()
    expires_in = serializers.IntegerField(help_text="Seconds.")


class UserTokenView(EnvironmentView):
    """POST /v1/auth/user-token."""

    # A page can do both with the token, so its maker must be allowed both.
    required_scopes: ClassVar = {"POST": "events:write"}
    needs_secret_key = True
    secret_members = ("user_token",)

    @extend_schema(request=UserTokenRequest, responses=UserTokenAnswer)
    def post(self, request: Request) -> Response:
        """Make a token that lets a page name a user; a page's key alone may not.

        Asks for a secret key with `events:write` and `recommendations:read`. The page sends it as
        `user_token` beside `user_id`.
        """
        if "recommendations:read" not in self.caller.scopes:
            raise InsufficientScope("recommendations:read")
        body = read_body(UserTokenRequest, request.data)
        issued = issue_user_token(
            environment=self.caller.environment,
            key_id=self.caller.key_id,
            user_id=body["user_id"],
            expires_in=body["expires_in"],
            now=timezone.now(),
        )
        return Response(
            {
                "user_token": issued.text,
                "user_id": body["user_id"],
                "expires_in": issued.expires_in,
            },
            headers={"Cache-Control": "no-store"},
        )


class MeView(EnvironmentView):
    """GET /v1/me."""

    required_scopes: ClassVar = {"GET": ANY_SCOPE}
    is_always_answered: ClassVar = True

    @extend_schema(responses=CallerAnswer)
    def get(self, request: Request) -> Response:
        """Say what the credential opens and what it may do."""
        caller = self.caller
        return Response(
            {
                "tenant": caller.tenant.slug,
                "name": caller.tenant.name,
                "environment": caller.environment.kind,
                "key_id": caller.key_id,
                "kind": caller.kind,
                "scopes": sorted(caller.scopes),
            }
        )


class JwksView(PublicView):
    """GET /.well-known/jwks.json."""

    @extend_schema(auth=[], tags=["auth"])
    def get(self, request: Request) -> Response:
        """Publish the keys that verify tokens (RFC 7517)."""
        return Response(
            token_backend().keys.as_jwks(),
            headers={"Cache-Control": f"public, max-age={_JWKS_SECONDS}"},
        )


def _token_answer(caller: Caller) -> HttpResponse:
    issued = issue_token(environment=caller.environment, key_id=caller.key_id, scopes=caller.scopes)
    return Response(
        {
            "access_token": issued.text,
            "token_type": "Bearer",
            "expires_in": issued.expires_in,
            "tenant": caller.tenant.slug,
            "environment": caller.environment.kind,
            "scopes": sorted(caller.scopes),
        },
        headers={"Cache-Control": "no-store"},
    )


urlpatterns = [
    path("auth/token", TokenView.as_view()),
    path("auth/user-token", UserTokenView.as_view()),
    path("me", MeView.as_view()),
]
