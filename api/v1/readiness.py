"""GET /v1/readiness: which recommendations a store can have, and what the others wait for."""

from __future__ import annotations

from typing import Any, ClassVar

from django.urls import path
from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.v1.views import EnvironmentView
from engine.selectors.readiness import TYPES, readiness
from engine.services.start_first_trainings import FIRST_TRAINING_EVENTS


class BlockingAnswer(serializers.Serializer[Any]):
    """Something the store has to do first."""

    code = serializers.ChoiceField(
        [
            "no_items",
            "no_events",
            "unknown_items",
            "no_shoppers",
            "training_failed",
            "model_rejected",
            "model_waits",
            "auto_train_off",
        ]
    )
    detail = serializers.CharField(help_text="What to do.")
    samples = serializers.ListField(child=serializers.CharField(), max_length=10)


class ReadinessAnswer(serializers.Serializer[Any]):
    """How it stands with one type of recommendation."""

    status = serializers.ChoiceField(["active", "learning", "blocked"])
    have = serializers.DictField(
        child=serializers.IntegerField(),
        help_text="Counted to a bound: up to 1,000 items, and of the newest event lines up to "
        "2,000 that show interest in one.",
    )
    need = serializers.DictField(child=serializers.IntegerField())
    served_instead = serializers.ChoiceField(["popular", "newest"], allow_null=True)
    blocking = BlockingAnswer(many=True)


class ReadinessView(EnvironmentView):
    """/v1/readiness."""

    required_scopes: ClassVar = {"GET": "models:read"}

    @extend_schema(
        responses=inline_serializer(
            name="ReadinessByTypeAnswer", fields={name: ReadinessAnswer() for name in TYPES}
        )
    )
    def get(self, request: Request) -> Response:
        """Say how it stands with each type of recommendation."""
        environment = self.caller.environment
        return Response(
            readiness(
                has_model=environment.live_version is not None,
                trains_by_itself=environment.auto_train == environment.AutoTrain.DAILY,
                needed_events=FIRST_TRAINING_EVENTS,
            )
        )


urlpatterns = [path("readiness", ReadinessView.as_view())]
