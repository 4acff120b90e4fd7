"""The recommendation calls' part of the OpenAPI document, made from the structs that serve.

The web process merges it into the one document; nothing here needs or loads a framework.
"""

from __future__ import annotations

from typing import Any, Union

import msgspec
from msgspec import Struct

from api.inference.answers import Answer, PublicAnswer
from api.inference.explain_requests import QUESTION_TYPES
from api.inference.explanations import Explanation, PublicExplanation
from api.inference.placements import PlacementDefaults
from api.inference.requests import REQUEST_TYPES, BatchRequest

_REF = "#/components/schemas/{name}"
_SUMMARIES = {
    "for-user": "Items this shopper may like",
    "similar": "Items like an item",
    "bought-together": "Items that are bought with these",
    "cart": "Items that go with a cart",
    "trending": "Items that are asked for more than before",
    "popular": "Items that sell best now",
    "recently-viewed": "Items this shopper has looked at",
    "batch": "Several boxes of a page in one call",
    "rerank": "Your own selection in this shopper's order",
    "explain": "Where an item stands in the answer to a call, and why",
}
_ONCE = (
    "A call that is repeated within 24 hours with the same `Idempotency-Key` and body is answered "
    "anew and charged once."
)


def openapi_fragment() -> dict[str, Any]:
    """Return `paths` and `components` of the recommendation calls; how they fail is added there."""
    question: Any = Union[tuple(QUESTION_TYPES.values())]  # noqa: UP007  # of as many as there are
    answer_types = [Answer, PublicAnswer, Explanation, PublicExplanation]
    references, schemas = msgspec.json.schema_components(
        [PlacementDefaults, *REQUEST_TYPES.values(), BatchRequest, question, *answer_types],
        ref_template=_REF,
    )
    _, *requests, batch, asked, answer, public_answer, explained, public_explained = references
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
    explanation = {"anyOf": [explained, public_explained]}
    operation = _operation("explain", Explanation, asked, explanation)
    # It costs nothing, the first time as little as the second.
    own = {"operationId": "explain", "description": (Explanation.__doc__ or "").strip()}
    paths["/v1/explain"] = {"post": operation | own}
    return {"paths": paths, "components": {"schemas": schemas}}


def _operation(
    name: str, described: type[Struct], reference: dict[str, Any], answer: dict[str, Any]
) -> dict[str, Any]:
    return {
        "operationId": f"recommend_{name.replace('-', '_')}",
        "summary": _SUMMARIES[name],
        "description": f"{(described.__doc__ or '').strip()}\n\n{_ONCE}",
        "tags": ["recommendations"],
        "requestBody": {"required": True, "content": {"application/json": {"schema": reference}}},
        "responses": {
            "200": {
                "description": "The answer; a publishable key gets the shorter form.",
                "content": {"application/json": {"schema": answer}},
            },
        },
    }
