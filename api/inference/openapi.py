"""The recommendation calls' part of the OpenAPI document, made from the structs that serve.

The web process merges it into the one document; nothing here needs or loads a framework.
"""

from __future__ import annotations

from typing import Any

import msgspec

from api.inference.answers import Answer, PublicAnswer
from api.inference.requests import REQUEST_TYPES, Request

_REF = "#/components/schemas/{name}"
_PROBLEM = {"description": "A problem (RFC 9457).", "content": {"application/problem+json": {}}}
_STATUSES = ("400", "401", "403", "404", "405", "413", "415", "429", "500", "503")
_SUMMARIES = {
    "for-user": "Items this shopper may like",
    "similar": "Items like an item",
    "popular": "Items that sell best now",
    "recently-viewed": "Items this shopper has looked at",
    "rerank": "Your own selection in this shopper's order",
}


def openapi_fragment() -> dict[str, Any]:
    """Return `paths` and `components` of the recommendation calls."""
    types = [*REQUEST_TYPES.values(), Answer, PublicAnswer]
    references, schemas = msgspec.json.schema_components(types, ref_template=_REF)
    answer, public_answer = references[-2:]
    paths = {
        f"/v1/recommend/{name}": {
            "post": _operation(name, request, reference, answer, public_answer)
        }
        for (name, request), reference in zip(REQUEST_TYPES.items(), references[:-2], strict=True)
    }
    return {"paths": paths, "components": {"schemas": schemas}}


def _operation(
    name: str,
    request: type[Request],
    reference: dict[str, Any],
    answer: dict[str, Any],
    public_answer: dict[str, Any],
) -> dict[str, Any]:
    return {
        "operationId": f"recommend_{name.replace('-', '_')}",
        "summary": _SUMMARIES[name],
        "description": (request.__doc__ or "").strip(),
        "tags": ["recommendations"],
        "requestBody": {"required": True, "content": {"application/json": {"schema": reference}}},
        "responses": {
            "200": {
                "description": "The items; a publishable key gets the shorter form.",
                "content": {"application/json": {"schema": {"oneOf": [answer, public_answer]}}},
            },
            **dict.fromkeys(_STATUSES, _PROBLEM),
        },
    }
