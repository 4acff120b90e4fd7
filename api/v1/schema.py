"""How a view appears in the OpenAPI document, where it does not say so itself."""

from __future__ import annotations

import re
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from typing_extensions import override

from api.inference.openapi import openapi_fragment
from api.v1.documented_errors import add_problems, problem_responses
from api.v1.idempotency import MAX_KEY_CHARACTERS
from api.v1.pagination import DEFAULT_LIMIT, MAX_LIMIT
from api.v1.parameters import MAX_ID_CHARACTERS
from api.v1.serializers import StrictSerializer

PAGE_KEY = "page_key"
_METHODS = {"get", "put", "post", "delete", "patch"}
_PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "RFC 9457. `code` is stable; `detail` names the value and the way out.",
    "required": ["type", "title", "status", "code", "detail", "instance", "errors"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "detail": {"type": "string"},
        "instance": {"type": "string", "description": "The request id."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "code", "detail"],
                "properties": {
                    "index": {"type": "integer"},
                    "id": {"type": "string"},
                    "pointer": {"type": "string"},
                    "code": {"type": "string"},
                    "detail": {"type": "string"},
                },
            },
        },
    },
}
_IDEMPOTENCY_KEY: dict[str, Any] = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "The first answer is replayed for 24 hours, with `Idempotent-Replayed: true`.",
    "schema": {"type": "string", "minLength": 1, "maxLength": MAX_KEY_CHARACTERS},
}


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """The one way to say who is calling."""

    target_class = "api.v1.authentication.BearerAuthentication"
    name = "bearer"

    @override
    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "Just use the API key; a token from `/v1/auth/token` works alike.",
        }


class PageKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How a page says it without a header."""

    target_class = "api.v1.authentication.BeaconAuthentication"
    name = PAGE_KEY

    @override
    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        return {
            "type": "apiKey",
            "in": "query",
            "name": "key",
            "description": "A publishable key, for `navigator.sendBeacon`: then JSON may come as "
            "text/plain.",
        }


class WriteKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How Segment's libraries say it."""

    target_class = "api.v1.authentication.WriteKeyAuthentication"
    name = "write_key"

    @override
    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        return {"type": "http", "scheme": "basic", "description": "The API key is the user."}


class ShelfwiseSchema(AutoSchema):
    """Objects in and out, unless a view is annotated; the query parameters that it declares."""

    @override
    def get_auth(self) -> list[dict[str, list[str]]]:
        # Pages only send.
        names = (
            each for each in super().get_auth() if self.method == "POST" or PAGE_KEY not in each
        )
        return list(names)

    @override
    def get_request_serializer(self) -> Any:
        return OpenApiTypes.OBJECT

    @override
    def get_response_serializers(self) -> Any:
        return {204: None} if self.method == "DELETE" else OpenApiTypes.OBJECT

    @override
    def _map_serializer(
        self, serializer: Any, direction: Any, bypass_extensions: Any = False
    ) -> Any:
        schema: dict[str, Any] = super()._map_serializer(  # type: ignore[no-untyped-call]
            serializer, direction, bypass_extensions
        )
        if isinstance(serializer, StrictSerializer):
            schema["additionalProperties"] = False
        return schema

    @override
    def get_tags(self) -> list[str]:
        return [self.path.removeprefix("/v1/").partition("/")[0].partition(":")[0]]

    @override
    def get_operation_id(self) -> str:
        words = re.findall(r"[a-z_]+", self.path.removeprefix("/v1/").replace("{", "by_"))
        return "_".join([self.method.lower(), *words])

    @override
    def get_override_parameters(self) -> list[Any]:
        names = getattr(self.view, "query_parameters", ()) if self.method == "GET" else ()
        return [_query_parameter(name) for name in sorted(names)]


def _query_parameter(name: str) -> OpenApiParameter:
    if name == "limit":
        limits = {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT}
        return OpenApiParameter(name, type=limits)
    if name in {"since", "until"}:
        return OpenApiParameter(name, type=OpenApiTypes.DATETIME)
    if name.endswith("_id"):
        ids = {"type": "string", "minLength": 1, "maxLength": MAX_ID_CHARACTERS}
        return OpenApiParameter(name, type=ids)
    return OpenApiParameter(name, type=str)


def add_common_parts(
    result: dict[str, Any],
    generator: Any,
    request: Any,
    public: bool,  # noqa: FBT001  # drf-spectacular's signature
) -> dict[str, Any]:
    """Add what all calls share, and the recommendation calls (a hook of drf-spectacular)."""
    components = result.setdefault("components", {})
    components.setdefault("schemas", {})["Problem"] = _PROBLEM_SCHEMA
    components["parameters"] = {"IdempotencyKey": _IDEMPOTENCY_KEY}
    components["responses"] = problem_responses()
    for path in result["paths"].values():
        if "post" in path:
            parameters = path["post"].setdefault("parameters", [])
            parameters.append({"$ref": "#/components/parameters/IdempotencyKey"})
    _merge_recommendations(result)
    for path, operations in result["paths"].items():
        for method in operations.keys() & _METHODS:
            add_problems(path, method, operations[method])
    return result


def _merge_recommendations(result: dict[str, Any]) -> None:
    fragment = openapi_fragment()
    for path in fragment["paths"].values():
        path["post"].setdefault("security", [{BearerScheme.name: []}])
    result["paths"] |= fragment["paths"]
    schemas = result["components"]["schemas"]
    if twice := schemas.keys() & fragment["components"]["schemas"].keys():
        raise ValueError(f"Two schemas have one name: {sorted(twice)}.")
    schemas |= fragment["components"]["schemas"]
