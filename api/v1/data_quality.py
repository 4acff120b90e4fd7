"""GET /v1/data-quality: what could be better about what a store sends, and what to do."""

from __future__ import annotations

from typing import Any, ClassVar

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.v1.views import EnvironmentView
from engine.selectors.data_quality import data_quality


class MatchRateAnswer(serializers.Serializer[Any]):
    """How many event lines are about items of the catalogue."""

    lines = serializers.IntegerField()
    matched = serializers.IntegerField()
    share = serializers.FloatField()


class EventQualityAnswer(serializers.Serializer[Any]):
    """The newest events; an event about three items has three lines."""

    lines = serializers.IntegerField()
    events = serializers.IntegerField()
    since = serializers.DateTimeField(
        allow_null=True, help_text="When the oldest of those looked at came."
    )
    match_rate = serializers.DictField(child=MatchRateAnswer(), help_text="By type of event.")


class CatalogueQualityAnswer(serializers.Serializer[Any]):
    """The catalogue, or a part that is spread over all of it."""

    items = serializers.IntegerField(help_text="How many were looked at.")
    is_sample = serializers.BooleanField(help_text="Whether there are more.")
    fields = serializers.DictField(  # type: ignore[assignment]  # DRF pops it off the class
        child=serializers.FloatField(), help_text="The share of the items that has each."
    )
    attributes = serializers.DictField(
        child=serializers.FloatField(), help_text="The share of the items that has each."
    )


class FindingAnswer(serializers.Serializer[Any]):
    """One kind of fault."""

    code = serializers.ChoiceField(
        [
            "unknown_items",
            "no_shopper",
            "future_times",
            "duplicates",
            "stale_prices",
            "missing_title",
            "missing_description",
            "missing_categories",
            "missing_brand",
            "missing_price",
            "missing_image_url",
            "missing_url",
            "price_without_currency",
            "contrary_attribute_types",
            "shadowed_aliases",
        ]
    )
    count = serializers.IntegerField()
    share = serializers.FloatField()
    of = serializers.ChoiceField(
        ["lines", "events", "items", "values", "aliases"], help_text="What the share is of."
    )
    samples = serializers.ListField(child=serializers.DictField(), max_length=10)
    detail = serializers.CharField(help_text="What to do.")


class DataQualityAnswer(serializers.Serializer[Any]):
    """What could be better about what the store sends."""

    as_of = serializers.DateTimeField()
    events = EventQualityAnswer()
    catalogue = CatalogueQualityAnswer()
    findings = FindingAnswer(many=True)


class DataQualityView(EnvironmentView):
    """/v1/data-quality."""

    required_scopes: ClassVar = {"GET": "events:read"}

    @extend_schema(responses=DataQualityAnswer)
    def get(self, request: Request) -> Response:
        """Say what could be better about events and catalogue, and what to do.

        It looks at the newest 50,000 event lines and at up to about 16,000 items, so that it takes
        the same time on any store.
        """
        return Response(data_quality())


urlpatterns = [path("data-quality", DataQualityView.as_view())]
