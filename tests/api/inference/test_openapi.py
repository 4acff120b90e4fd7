from __future__ import annotations

import json

from msgspec import Struct
from openapi_spec_validator import OpenAPIV31SpecValidator

from api.inference.explain_requests import QUESTION_TYPES
from api.inference.openapi import openapi_fragment
from api.inference.requests import REQUEST_TYPES, WAYS_OUT, BatchRequest, Boost


def test_the_fragment_is_valid_openapi_and_plain_json() -> None:
    fragment = openapi_fragment()
    document = {"openapi": "3.1.0", "info": {"title": "Shelfwise", "version": "1"}, **fragment}
    OpenAPIV31SpecValidator(json.loads(json.dumps(document))).validate()


def test_every_call_and_the_closed_lists_are_in_the_fragment() -> None:
    fragment = openapi_fragment()
    calls = {f"/v1/recommend/{name}" for name in REQUEST_TYPES}
    assert set(fragment["paths"]) == calls | {"/v1/recommend:batch", "/v1/explain"}
    schemas = fragment["components"]["schemas"]
    assert "no_model" in schemas["Fallback"]["properties"]["reason"]["enum"]
    assert schemas["Fallback"]["required"] == ["from", "to", "reason"]


def test_every_member_has_a_way_out() -> None:
    asked: list[type[Struct]] = [*REQUEST_TYPES.values(), *QUESTION_TYPES.values()]
    asked += [BatchRequest, Boost]
    members = {field for each in asked for field in each.__struct_fields__}
    assert members == set(WAYS_OUT)


def test_each_call_can_be_explained() -> None:
    question = openapi_fragment()["paths"]["/v1/explain"]["post"]["requestBody"]["content"]
    types = question["application/json"]["schema"]["discriminator"]["mapping"]
    assert set(types) == set(REQUEST_TYPES)
