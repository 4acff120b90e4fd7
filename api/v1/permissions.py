"""Holds each call to the scope that its view asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from typing_extensions import override

from saas.lib.errors import InsufficientScope

if TYPE_CHECKING:
    # rest_framework.views imports this module while it is being imported.
    from rest_framework.views import APIView

    from api.v1.authentication import Caller


class HasScope(BasePermission):
    """The view's `required_scopes` by method; a method that names none asks for a credential."""

    @override
    def has_permission(self, request: Request, view: APIView) -> bool:
        scopes: dict[str, str] = getattr(view, "required_scopes", {})
        scope = scopes.get(request.method or "")
        caller = cast("Caller", request.auth)
        if scope is not None and scope not in caller.scopes:
            raise InsufficientScope(scope)
        return True
