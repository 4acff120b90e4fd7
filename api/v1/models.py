"""Model versions: how good they are, and which one is served."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, ClassVar

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.v1.pagination import PAGE_PARAMETERS, page, page_request
from api.v1.serializers import StrictSerializer, TextField, page_of, read_body
from api.v1.views import EnvironmentView
from engine.selectors.models import Model, model, models
from engine.services.promote_model import promote_model
from engine.services.rollback_model import rollback_model
from saas.lib.errors import NotFound


class PromotionRequest(StrictSerializer):
    """How firmly the version is to stand."""

    pin = serializers.BooleanField(
        default=False, help_text="Keeps later trainings from replacing the version by themselves."
    )


class RollbackRequest(PromotionRequest):
    """Where to go back to."""

    version = TextField(
        required=False, help_text="A version that was live before; the one before this if absent."
    )


class GateAnswer(serializers.Serializer[Any]):
    """What the promotion gate decided."""

    decision = serializers.ChoiceField(["promote", "keep"])
    reason = serializers.CharField()


class ModelAnswer(serializers.Serializer[Any]):
    """A trained model version."""

    version = serializers.CharField()
    status = serializers.ChoiceField(["champion", "challenger", "retired", "rejected"])
    trained_at = serializers.DateTimeField()
    data_window = serializers.DictField(child=serializers.DateTimeField())
    counts = serializers.DictField(child=serializers.IntegerField())
    parameters = serializers.DictField()
    metrics = serializers.DictField()
    baselines = serializers.DictField()
    strata = serializers.DictField(
        help_text="The metrics of parts of the examination: shoppers with a past, without one, and "
        "by how many items they had met; items without a past, ranked among themselves; and by "
        "category what was found of all that shoppers turned to."
    )
    gate = GateAnswer()


class DecileAnswer(serializers.Serializer[Any]):
    """A tenth of the items, by how many shoppers turned to them in the training."""

    decile = serializers.IntegerField(help_text="1 is the most popular tenth.")
    recommended = serializers.FloatField(help_text="Its share of all places in the first ten.")
    wanted = serializers.FloatField(help_text="Its share of what shoppers turned to later.")
    covered = serializers.FloatField(help_text="The share of its items that anybody was shown.")


class CurvePointAnswer(serializers.Serializer[Any]):
    """What a candidate was after some of its epochs."""

    epoch = serializers.IntegerField()
    is_newest = serializers.BooleanField(
        help_text="Whether the last epochs were those on the newest events alone."
    )
    ndcg = serializers.FloatField(
        help_text="NDCG@10 of this part alone for a sample of the validation's shoppers."
    )
    loss = serializers.FloatField(
        help_text="Pairwise logistic loss on a sample of what was learnt from; 0.69 knows nothing."
    )


class CurveAnswer(serializers.Serializer[Any]):
    """How a candidate learnt; one that was left behind ends early."""

    settings = serializers.DictField()
    is_chosen = serializers.BooleanField(help_text="Whether the model holds this candidate.")
    points = CurvePointAnswer(many=True)


class ModelDetailAnswer(ModelAnswer):
    """A trained model version with all that is known of it."""

    popularity_deciles = DecileAnswer(many=True)
    training_curve = CurveAnswer(
        many=True, help_text="Empty where nothing in the model learns in epochs."
    )


class ModelsView(EnvironmentView):
    """GET /v1/models."""

    required_scopes: ClassVar = {"GET": "models:read"}
    query_parameters = PAGE_PARAMETERS

    @extend_schema(responses=page_of(ModelAnswer))
    def get(self, request: Request) -> Response:
        """List the model versions, newest first."""
        asked = page_request(request, key_types=(str,))
        rows = models(
            environment_id=self.caller.environment.pk,
            limit=asked.limit + 1,
            before=asked.after[0] if asked.after else None,
        )
        return Response(
            page(rows, limit=asked.limit, key=lambda row: (row.version,), as_json=_as_json)
        )


class ModelView(EnvironmentView):
    """GET /v1/models/{version}."""

    required_scopes: ClassVar = {"GET": "models:read"}

    @extend_schema(responses=ModelDetailAnswer)
    def get(self, request: Request, version: str) -> Response:
        """Show one version."""
        return Response(_shown(self, version))


class PromotionView(EnvironmentView):
    """POST /v1/models/{version}:promote."""

    required_scopes: ClassVar = {"POST": "models:write"}

    @extend_schema(request=PromotionRequest, responses=ModelDetailAnswer)
    def post(self, request: Request, version: str) -> Response:
        """Serve this version, within two seconds in every process."""
        asked = read_body(PromotionRequest, request.data)
        promote_model(
            environment=self.caller.environment,
            version=version,
            pin=asked["pin"],
            actor=self.caller.actor,
        )
        return Response(_shown(self, version))


class RollbackView(EnvironmentView):
    """POST /v1/models:rollback."""

    required_scopes: ClassVar = {"POST": "models:write"}

    @extend_schema(request=RollbackRequest, responses=ModelDetailAnswer)
    def post(self, request: Request) -> Response:
        """Serve an earlier version again, within two seconds in every process."""
        asked = read_body(RollbackRequest, request.data)
        version = rollback_model(
            environment=self.caller.environment,
            version=asked.get("version"),
            pin=asked["pin"],
            actor=self.caller.actor,
        )
        return Response(_shown(self, version))


def _shown(view: EnvironmentView, version: str) -> dict[str, Any]:
    found = model(environment_id=view.caller.environment.pk, version=version)
    if found is None:
        raise NotFound(f"There is no model version '{version}'; GET /v1/models lists them.")
    return dict(ModelDetailAnswer(_members(found)).data)


def _as_json(row: Model) -> dict[str, Any]:
    return dict(ModelAnswer(_members(row)).data)


def _members(row: Model) -> dict[str, Any]:
    window = {name: datetime.fromtimestamp(it, UTC) for name, it in row.data_window.items()}
    gate = {"decision": "promote" if row.has_passed_gate else "keep", "reason": row.reason}
    return {**asdict(row), "data_window": window, "gate": gate}


urlpatterns = [
    path("models", ModelsView.as_view()),
    path("models:rollback", RollbackView.as_view()),
    path("models/<id:version>:promote", PromotionView.as_view()),
    path("models/<id:version>", ModelView.as_view()),
]
