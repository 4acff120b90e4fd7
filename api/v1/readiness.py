"""GET /v1/readiness: which recommendations a store can have, and what the others wait for."""

from __future__ import annotations

from typing import ClassVar

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.v1.ingestion_schema import ReadinessByTypeAnswer
from api.v1.views import EnvironmentView
from engine.selectors.readiness import readiness
from engine.services.start_first_trainings import FIRST_TRAINING_EVENTS


class ReadinessView(EnvironmentView):
    """/v1/readiness."""

    required_scopes: ClassVar = {"GET": "models:read"}

    @extend_schema(responses=ReadinessByTypeAnswer)
    def get(self, request: Request) -> Response:
        """Say how it stands with each type of recommendation."""
        return Response(
            readiness(
                has_model=self.caller.environment.live_version is not None,
                needed_events=FIRST_TRAINING_EVENTS,
            )
        )


urlpatterns = [path("readiness", ReadinessView.as_view())]
