"""The calls about a store's users: what it knows of them, and who turned out to be whom."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.v1.bodies import read_envelope, read_flag, read_object, read_rows
from api.v1.ingestion_schema import UserAnswer, UserBatchBody, UserBody, UserMergeBody, WriteAnswer
from api.v1.parsers import sent_json
from api.v1.views import EnvironmentView
from engine.rows.values import BadValue, read_id, shown
from engine.selectors.users import user_body
from engine.services.merge_users import merge_users
from engine.services.write_users import delete_user, patch_user, write_users
from saas.lib.errors import InvalidParameter, NotFound


class UserView(EnvironmentView):
    """/v1/users/{id}."""

    required_scopes: ClassVar = {
        "GET": "catalogue:read",
        "PATCH": "catalogue:write",
        "DELETE": "catalogue:write",
    }

    @extend_schema(responses=UserAnswer)
    def get(self, request: Request, user_id: str) -> Response:
        """Show a user."""
        return Response(_shown(user_id))

    @extend_schema(request=UserBody, responses=UserAnswer)
    def patch(self, request: Request, user_id: str) -> Response:
        """Change some members; null clears one."""
        patch_user(
            environment=self.caller.environment,
            user_id=user_id,
            members=read_object(sent_json(request)),
        )
        return Response(_shown(user_id))

    def delete(self, request: Request, user_id: str) -> Response:
        """Delete what the store said about a user."""
        delete_user(environment=self.caller.environment, user_id=user_id)
        return Response(status=204)


class UserBatchView(EnvironmentView):
    """/v1/users:batch."""

    required_scopes: ClassVar = {"POST": "catalogue:write"}

    @extend_schema(request=UserBatchBody, responses=WriteAnswer)
    def post(self, request: Request) -> Response:
        """Create, change and delete up to 1,000 users."""
        envelope = read_envelope(sent_json(request), known=("users", "atomic"))
        result = write_users(
            environment=self.caller.environment,
            rows=read_rows(envelope, "users"),
            is_atomic=read_flag(envelope, "atomic"),
        )
        return Response(result.as_body())


class UserMergeView(EnvironmentView):
    """/v1/users:merge."""

    required_scopes: ClassVar = {"POST": "catalogue:write"}

    @extend_schema(request=UserMergeBody, responses=UserMergeBody)
    def post(self, request: Request) -> Response:
        """Say that a visitor is a user from now on."""
        members = read_envelope(sent_json(request), known=("anonymous_id", "user_id"))
        anonymous_id, user_id = _id(members, "anonymous_id"), _id(members, "user_id")
        merge_users(
            environment=self.caller.environment,
            anonymous_id=anonymous_id,
            user_id=user_id,
            now=timezone.now(),
        )
        return Response({"anonymous_id": anonymous_id, "user_id": user_id})


def _id(members: Mapping[str, Any], name: str) -> str:
    try:
        return read_id(members.get(name))
    except BadValue as bad:
        raise InvalidParameter(
            f"'{name}' is {shown(members.get(name))}; {bad.advice}.", pointer=f"/{name}"
        ) from None


def _shown(user_id: str) -> Mapping[str, Any]:
    user = user_body(user_id)
    if user is None:
        raise NotFound(f"There is no user '{user_id}'.")
    return user


urlpatterns = [
    path("users:batch", UserBatchView.as_view()),
    path("users:merge", UserMergeView.as_view()),
    path("users/<id:user_id>", UserView.as_view()),
]
