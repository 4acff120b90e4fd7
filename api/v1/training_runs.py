"""Training: start one, and watch how it goes."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, ClassVar

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.v1.pagination import PAGE_PARAMETERS, page, page_request
from api.v1.serializers import StrictSerializer, page_of, read_body
from api.v1.views import EnvironmentView
from engine.selectors.training_runs import Run, training_run, training_runs
from engine.services.request_training import request_training
from saas.lib.errors import NotFound


class TrainingRequest(StrictSerializer):
    """Nothing yet: a training learns from all of the environment's data."""


class TrainingAnswer(serializers.Serializer[Any]):
    """Where to watch the training."""

    training_run_id = serializers.CharField()


class RunAnswer(serializers.Serializer[Any]):
    """A training run; what is not known yet is left out."""

    id = serializers.CharField()
    kind = serializers.ChoiceField(
        ["training", "update"],
        help_text="An update brings the live model up to date with the newest events.",
    )
    status = serializers.ChoiceField(["queued", "running", "completed", "failed"])
    stage = serializers.CharField(
        allow_blank=True,
        help_text="`reading`, `preparing`, `selecting`, `blending`, `evaluating`, `fitting`, "
        "`checking`, `writing`, `done`; of an update `updating` and `updated`, or `nothing new`. "
        "Some go on with a comma and a detail, such as `selecting, rp3 2 of 3`.",
    )
    progress = serializers.FloatField(min_value=0, max_value=1)
    rows = serializers.IntegerField(required=False, help_text="Interactions learnt from.")
    seconds = serializers.FloatField(required=False, help_text="Since its start.")
    seconds_budget = serializers.FloatField(
        required=False, help_text="What a training aims at, at most."
    )
    created_at = serializers.DateTimeField()
    error = serializers.CharField(required=False)
    model_version = serializers.CharField(required=False)


class TrainView(EnvironmentView):
    """POST /v1/models:train."""

    required_scopes: ClassVar = {"POST": "models:write"}

    @extend_schema(request=TrainingRequest, responses={202: TrainingAnswer})
    def post(self, request: Request) -> Response:
        """Queue a training, or return the one that is queued or running."""
        read_body(TrainingRequest, request.data)
        run_id = request_training(environment=self.caller.environment)
        return Response({"training_run_id": run_id}, status=202)


class TrainingRunsView(EnvironmentView):
    """GET /v1/training-runs, newest first."""

    required_scopes: ClassVar = {"GET": "models:read"}
    query_parameters = PAGE_PARAMETERS

    @extend_schema(responses=page_of(RunAnswer))
    def get(self, request: Request) -> Response:
        """List the runs."""
        asked = page_request(request, key_types=(str,))
        rows = training_runs(limit=asked.limit + 1, before=asked.after[0] if asked.after else None)
        return Response(page(rows, limit=asked.limit, key=lambda run: (run.id,), as_json=_as_json))


class TrainingRunView(EnvironmentView):
    """GET /v1/training-runs/{id}."""

    required_scopes: ClassVar = {"GET": "models:read"}

    @extend_schema(responses=RunAnswer)
    def get(self, request: Request, run_id: str) -> Response:
        """Return one run."""
        run = training_run(run_id=run_id)
        if run is None:
            raise NotFound(
                f"There is no training run '{run_id}'; GET /v1/training-runs lists them."
            )
        return Response(_as_json(run))


def _as_json(run: Run) -> dict[str, Any]:
    known = {name: value for name, value in asdict(run).items() if value is not None}
    return dict(RunAnswer(known).data)


urlpatterns = [
    path("models:train", TrainView.as_view()),
    path("training-runs", TrainingRunsView.as_view()),
    path("training-runs/<id:run_id>", TrainingRunView.as_view()),
]
