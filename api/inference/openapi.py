"""The recommendation calls' part of the OpenAPI document, made from the structs that serve.

The web process merges it into the one document; nothing here needs or loads a framework.
"""

from __future__ import annotations

from typing import Any

import msgspec

from api.inference.answers import Answer, PublicAnswer
from api.inference.requests import REQUEST_TYPES, BatchRequest, Common

_REF = "#/components/schemas/{name}"
_SUMMARIES = {
    "for-user": "Items this shopper may like",
    "similar": "Items like an item",
    "cart": "Items that go with a cart",
    "popular": "Items that sell best now",
    "recently-viewed": "Items this shopper has looked at",
    "batch": "Several boxes of a page in one call",
    "rerank": "Your own selection in this shopper's order",
}


def openapi_fragment() -> dict[str, Any]:
    """Return `paths` and `components` of the recommendation calls; how they fail is added there."""
    types = [*REQUEST_TYPES.values(), BatchRequest, Answer, PublicAnswer]
    references, schemas = msgspec.json.schema_components(types, ref_template=_REF)
    *requests, batch, answer, public_answer = references
    one_answer = {"anyOf": [answer, public_answer]}
    paths = {
        f"/v1/recommend/{name}": {"post": _operation(name, request, reference, one_answer)}
        for (name, request), reference in zip(REQUEST_TYPES.items(), requests, strict=True)
    }
    answers = {
        "type": "object",
        "required": ["results"],
        "properties": {
            "results": {
                "type": "array",
                "description": "In the order of the boxes; a problem where one was not understood.",
                "items": {"anyOf": [answer, public_answer, {"type": "object"}]},
            }
        },
    }
    paths["/v1/recommend:batch"] = {"post": _operation("batch", BatchRequest, batch, answers)}
    return {"paths": paths, "components": {"schemas": schemas}}


def _operation(
    name: str, request: type[Common], reference: dict[str, Any], answer: dict[str, Any]
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
                "content": {"application/json": {"schema": answer}},
            },
        },
    }
