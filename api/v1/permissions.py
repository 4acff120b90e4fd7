"""Holds each call to the scope that its view asks for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from django.core.exceptions import ImproperlyConfigured
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from typing_extensions import override

from api.v1.pages import check_origin
from saas.lib.errors import InsufficientScope

if TYPE_CHECKING:
    # rest_framework.views imports this module while it is being imported.
    from rest_framework.views import APIView

    from api.v1.authentication import Caller


# For the calls that every good credential may make.
ANY_SCOPE = ""
PAGE_METHODS = frozenset({"GET", "POST"})


class HasScope(BasePermission):
    """The view's `required_scopes` by method; a method that it forgets is a mistake of ours."""

    @override
    def has_permission(self, request: Request, view: APIView) -> bool:
        method = "GET" if request.method == "HEAD" else request.method or ""
        if method.lower() not in view.http_method_names or not hasattr(view, method.lower()):
            return True  # The view answers 405.
        scopes: Mapping[str, str] = getattr(view, "required_scopes", {})
        if method not in scopes:
            raise ImproperlyConfigured(f"{type(view).__name__} asks for no scope on {method}.")
        caller = cast("Caller", request.auth)
        if scopes[method] != ANY_SCOPE and scopes[method] not in caller.scopes:
            raise InsufficientScope(scopes[method])
        # A page's key is everybody's: what it may send it may not take back.
        is_for_server = method not in PAGE_METHODS or getattr(view, "needs_secret_key", False)
        if caller.kind == "publishable" and is_for_server:
            raise InsufficientScope(scopes[method])
        check_origin(caller, request.headers.get("Origin"))
        return True
