"""Attributes of items: what the store says of them, and what its items show."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, ClassVar

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.v1.pagination import PAGE_PARAMETERS, page, page_request
from api.v1.serializers import FlagField, StrictSerializer, page_of, read_body
from api.v1.views import EnvironmentView
from engine.rows.item_attributes import ATTRIBUTE_TYPES
from engine.selectors.attributes import attribute, attributes
from engine.services.declare_attribute import declare_attribute
from engine.services.withdraw_attribute import withdraw_attribute


class AttributeDeclaration(StrictSerializer):
    """What to say of an attribute; what is left out stays as it is."""

    type = serializers.ChoiceField(
        ATTRIBUTE_TYPES,
        required=False,
        help_text="Values are held to it from now on. At first, that of the values in the "
        "catalogue; needed where there are none.",
    )
    filterable = FlagField(
        required=False, help_text="Whether filters may name it (at first: true)."
    )
    learn = FlagField(required=False, help_text="Whether models learn from it (at first: true).")
    public = FlagField(
        required=False,
        help_text="Whether `product` of an answer shows it, in browsers too (at first: false).",
    )


class AttributeAnswer(serializers.Serializer[Any]):
    """An attribute of the store's items."""

    name = serializers.CharField()
    type = serializers.ChoiceField(ATTRIBUTE_TYPES)
    filterable = serializers.BooleanField()
    learn = serializers.BooleanField()
    public = serializers.BooleanField()
    is_declared = serializers.BooleanField(
        help_text="False: nobody has declared it, this is how its values in the catalogue look."
    )


class AttributesView(EnvironmentView):
    """/v1/attributes."""

    required_scopes: ClassVar = {"GET": "catalogue:read"}
    query_parameters: ClassVar = PAGE_PARAMETERS

    @extend_schema(responses=page_of(AttributeAnswer))
    def get(self, request: Request) -> Response:
        """List the declared attributes and those that items have, by name."""
        asked = page_request(request, key_types=(str,))
        after = asked.after[0] if asked.after else ""
        rows = [state for state in attributes() if state.name > after][: asked.limit + 1]
        return Response(page(rows, limit=asked.limit, key=lambda row: (row.name,), as_json=asdict))


class AttributeView(EnvironmentView):
    """/v1/attributes/{name}."""

    required_scopes: ClassVar = {
        "GET": "catalogue:read",
        "PUT": "catalogue:write",
        "DELETE": "catalogue:write",
    }

    @extend_schema(responses=AttributeAnswer)
    def get(self, request: Request, attribute_name: str) -> Response:
        """Show an attribute."""
        return Response(asdict(attribute(attribute_name)))

    @extend_schema(
        request=AttributeDeclaration, responses={200: AttributeAnswer, 201: AttributeAnswer}
    )
    def put(self, request: Request, attribute_name: str) -> Response:
        """Declare an attribute, or change what was declared.

        Items that are written from now on are held to the type; what is stored stays, and what
        contradicts it is counted in `/v1/data-quality`. Answers follow `public` within two
        seconds, models follow `learn` with the next training.
        """
        is_new = declare_attribute(
            environment=self.caller.environment,
            name=attribute_name,
            members=read_body(AttributeDeclaration, request.data),
            actor=self.caller.actor,
        )
        return Response(asdict(attribute(attribute_name)), status=201 if is_new else 200)

    def delete(self, request: Request, attribute_name: str) -> Response:
        """Withdraw a declaration; the items keep their values."""
        withdraw_attribute(
            environment=self.caller.environment,
            name=attribute_name,
            actor=self.caller.actor,
        )
        return Response(status=204)


urlpatterns = [
    path("attributes", AttributesView.as_view()),
    path("attributes/<id:attribute_name>", AttributeView.as_view()),
]
