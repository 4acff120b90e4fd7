"""A store's API keys: list, make, rotate, revoke."""

from __future__ import annotations

from typing import Any, ClassVar

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.v1.authentication import Caller
from api.v1.pagination import PAGE_PARAMETERS, page, page_request
from api.v1.serializers import (
    InstantField,
    SecretField,
    StrictSerializer,
    TextField,
    page_of,
    read_body,
)
from api.v1.views import EnvironmentView
from saas.lib.errors import InsufficientScope
from saas.lib.origins import is_origin
from tenants.models.api_key import ApiKey
from tenants.selectors.api_keys import api_key, api_keys
from tenants.services.create_api_key import NewApiKey, create_api_key
from tenants.services.revoke_api_key import revoke_api_key
from tenants.services.rotate_api_key import rotate_api_key
from tenants.tokens import PUBLISHABLE_SCOPES, SCOPES

# A deployment that takes longer than a month is not waiting for a key.
MAX_OVERLAP_HOURS = 31 * 24


def _check_origin(origin: str) -> None:
    if not is_origin(origin):
        raise serializers.ValidationError(
            f"'{origin}' is no origin; send one such as 'https://www.example.com'.",
            code="invalid_origin",
        )


class KeyRequest(StrictSerializer):
    """The key to make."""

    name = TextField(max_length=100)
    kind = serializers.ChoiceField(["secret", "publishable"], default="secret")
    scopes = serializers.ListField(
        child=serializers.ChoiceField(SCOPES), required=False, allow_empty=False
    )
    expires_at = InstantField(required=False, allow_null=True)
    allowed_origins = serializers.ListField(
        child=TextField(max_length=255, validators=[_check_origin]), default=list, max_length=100
    )


class RotationRequest(StrictSerializer):
    """How long the old key goes on working."""

    overlap_hours = serializers.IntegerField(min_value=0, max_value=MAX_OVERLAP_HOURS, default=24)


class KeyAnswer(serializers.ModelSerializer[ApiKey]):
    """A key without its secret."""

    class Meta:
        model = ApiKey
        fields = (
            "id",
            "name",
            "kind",
            "prefix",
            "last_four",
            "scopes",
            "allowed_origins",
            "created_at",
            "expires_at",
            "last_used_at",
        )


class NewKeyAnswer(KeyAnswer):
    """A key with its secret, this once."""

    key = SecretField(help_text="The secret; it is shown this once.")

    class Meta:
        model = ApiKey
        fields = (*KeyAnswer.Meta.fields, "key")


class KeysView(EnvironmentView):
    """/v1/keys."""

    required_scopes: ClassVar = {"GET": "settings:write", "POST": "settings:write"}
    is_always_answered: ClassVar = True
    query_parameters = PAGE_PARAMETERS
    secret_members = ("key",)

    @extend_schema(responses=page_of(KeyAnswer))
    def get(self, request: Request) -> Response:
        """List the keys that are not revoked, oldest first."""
        asked = page_request(request, key_types=(str,))
        rows = api_keys(
            environment_id=self.caller.environment.pk,
            after=asked.after[0] if asked.after else None,
            limit=asked.limit + 1,
        )
        return Response(page(rows, limit=asked.limit, key=lambda row: (row.id,), as_json=_as_json))

    @extend_schema(request=KeyRequest, responses={201: NewKeyAnswer})
    def post(self, request: Request) -> Response:
        """Make a key; its secret is in this answer and nowhere else."""
        asked = read_body(KeyRequest, request.data)
        new = create_api_key(
            environment=self.caller.environment,
            actor=self.caller.actor,
            name=asked["name"],
            kind=asked["kind"],
            scopes=_granted(self.caller, kind=asked["kind"], scopes=asked.get("scopes")),
            allowed_origins=asked["allowed_origins"],
            expires_at=asked.get("expires_at"),
        )
        return _new_key(new)


class KeyRotationView(EnvironmentView):
    """POST /v1/keys/{id}:rotate."""

    required_scopes: ClassVar = {"POST": "settings:write"}
    is_always_answered: ClassVar = True
    secret_members = ("key",)

    @extend_schema(request=RotationRequest, responses={201: NewKeyAnswer})
    def post(self, request: Request, key_id: str) -> Response:
        """Make a key like this one; this one works on for `overlap_hours`."""
        asked = read_body(RotationRequest, request.data)
        old = api_key(environment_id=self.caller.environment.pk, key_id=key_id)
        _granted(self.caller, kind=old.kind, scopes=old.scopes)
        new = rotate_api_key(
            environment=self.caller.environment,
            actor=self.caller.actor,
            key_id=key_id,
            overlap_hours=asked["overlap_hours"],
        )
        return _new_key(new)


class KeyView(EnvironmentView):
    """DELETE /v1/keys/{id}."""

    required_scopes: ClassVar = {"DELETE": "settings:write"}
    is_always_answered: ClassVar = True

    @extend_schema(responses={204: None})
    def delete(self, request: Request, key_id: str) -> Response:
        """Revoke a key and every token made from it, within two seconds."""
        revoke_api_key(environment=self.caller.environment, actor=self.caller.actor, key_id=key_id)
        return Response(status=204)


def _granted(caller: Caller, *, kind: str, scopes: list[str] | None) -> list[str]:
    """Return the new key's scopes: nobody gives what they do not have."""
    if scopes is None:
        possible = SCOPES if kind == "secret" else PUBLISHABLE_SCOPES
        return [scope for scope in possible if scope in caller.scopes]
    for scope in scopes:
        if scope not in caller.scopes:
            raise InsufficientScope(scope)
    return scopes


def _as_json(row: ApiKey) -> dict[str, Any]:
    return dict(KeyAnswer(row).data)


def _new_key(new: NewApiKey) -> Response:
    return Response(
        _as_json(new.row) | {"key": new.text}, status=201, headers={"Cache-Control": "no-store"}
    )


urlpatterns = [
    path("keys", KeysView.as_view()),
    path("keys/<id:key_id>:rotate", KeyRotationView.as_view()),
    path("keys/<id:key_id>", KeyView.as_view()),
]
