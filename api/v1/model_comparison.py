"""Two model versions side by side."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, ClassVar

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from typing_extensions import override

from api.v1.views import EnvironmentView
from engine.selectors.model_comparison import model_comparison


class IntervalAnswer(serializers.Serializer[Any]):
    """A mean over shoppers with its 95 % interval."""

    value = serializers.FloatField()
    low = serializers.FloatField()
    high = serializers.FloatField()


class DifferenceAnswer(serializers.Serializer[Any]):
    """A metric under both versions."""

    a = serializers.FloatField()
    b = serializers.FloatField()
    difference = IntervalAnswer(help_text="`a` minus `b`, paired by shopper.")


class OverlapAnswer(IntervalAnswer):
    """The share of ten items that both versions show a shopper."""

    users = serializers.IntegerField()


class SampleAnswer(serializers.Serializer[Any]):
    """One shopper's last items, oldest first, and what either version would show."""

    history = serializers.ListField(child=serializers.CharField())
    a = serializers.ListField(child=serializers.CharField())
    b = serializers.ListField(child=serializers.CharField())


class ComparisonAnswer(serializers.Serializer[Any]):
    """How two versions differ for the same shoppers."""

    a = serializers.CharField()
    b = serializers.CharField()
    since = serializers.DateTimeField(
        help_text="`metrics` are of events after this moment, which neither version has read."
    )
    users = serializers.IntegerField(
        help_text="Known shoppers with something new since then, of the newest 50,000 event lines."
    )
    metrics = serializers.DictField(
        child=DifferenceAnswer(), help_text="Empty as long as there are no such shoppers."
    )
    samples = SampleAnswer(many=True)

    @override
    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """Add the member whose name is no identifier."""
        return {**super().get_fields(), "overlap@10": OverlapAnswer()}


class ModelComparisonView(EnvironmentView):
    """GET /v1/models/{version}/compare/{other_version}."""

    required_scopes: ClassVar = {"GET": "models:read"}

    @extend_schema(responses=ComparisonAnswer)
    def get(self, request: Request, version: str, other_version: str) -> Response:
        """Compare two versions: what they find, how alike their lists are, and some lists."""
        compared = model_comparison(
            environment_id=self.caller.environment.pk, a=version, b=other_version
        )
        found = asdict(compared.found)
        overlap = {**found.pop("overlap"), "users": found.pop("overlap_users")}
        versions = {"a": version, "b": other_version}
        answer = {**versions, "since": compared.since, **found, "overlap@10": overlap}
        return Response(ComparisonAnswer(answer).data)


urlpatterns = [
    path("models/<id:version>/compare/<id:other_version>", ModelComparisonView.as_view())
]
