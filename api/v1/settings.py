"""The settings of the store's environment."""

from __future__ import annotations

from typing import Any, ClassVar

from django.urls import path
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.inference.placements import check_placements
from api.inference.requests import MAX_PLACEMENT_CHARACTERS
from api.v1.serializers import FlagField, StrictSerializer, TextField, read_body
from api.v1.views import EnvironmentView
from engine.selectors.attributes import unfilterable_attributes
from tenants.selectors.settings import settings
from tenants.services.change_settings import MOST_EXPLORE_SHARE, change_settings

_DEFAULTS = {"$ref": "#/components/schemas/PlacementDefaults"}
_AUTO_TRAIN = ("daily", "off")
_ON_LIMIT = ("popular", "error")


@extend_schema_field(
    {
        "type": "object",
        "propertyNames": {"minLength": 1, "maxLength": MAX_PLACEMENT_CHARACTERS},
        "additionalProperties": {"anyOf": [_DEFAULTS, {"type": "null"}]},
    }
)
class PlacementChanges(serializers.DictField):
    """Objects by name, or null."""

    child = serializers.DictField(allow_null=True)


@extend_schema_field({"type": "object", "additionalProperties": _DEFAULTS})
class StoredPlacements(serializers.DictField):
    """Objects by name."""


class SettingsChange(StrictSerializer):
    """What to change; what is left out stays as it is."""

    auto_train = serializers.ChoiceField(
        _AUTO_TRAIN,
        required=False,
        help_text="Whether models are trained by themselves: the first when the data suffice, "
        "then each night in which there is something new.",
    )
    auto_promote = FlagField(
        required=False, help_text="Whether a model that passes the gate goes live by itself."
    )
    on_limit = serializers.ChoiceField(
        _ON_LIMIT, required=False, help_text="What a call gets when the quota is used up."
    )
    explore_share = serializers.FloatField(
        required=False,
        min_value=0,
        max_value=MOST_EXPLORE_SHARE,
        help_text="Of the places of personal lists, those for items that nobody has turned to yet, "
        "so that shoppers meet them. 0: none.",
    )
    placements = PlacementChanges(
        required=False,
        help_text="By name, what a call with this `placement` takes where it says nothing itself. "
        "Each that is named is replaced, or removed by null; the others stay.",
    )
    timezone = TextField(
        required=False,
        allow_null=True,
        help_text="Of imported times without an offset, such as 'Europe/Berlin', where an import "
        "names none. Null: such times are refused.",
    )
    currency = TextField(
        required=False,
        allow_null=True,
        help_text="Of prices that come without one (ISO 4217), on every way in. Null: they stay "
        "without.",
    )


class SettingsAnswer(serializers.Serializer[Any]):
    """All settings."""

    auto_train = serializers.ChoiceField(_AUTO_TRAIN)
    auto_promote = serializers.BooleanField()
    on_limit = serializers.ChoiceField(_ON_LIMIT)
    explore_share = serializers.FloatField()
    placements = StoredPlacements()
    timezone = serializers.CharField(allow_null=True)
    currency = serializers.CharField(allow_null=True)


class SettingsView(EnvironmentView):
    """/v1/settings."""

    required_scopes: ClassVar = {"GET": "settings:write", "PUT": "settings:write"}

    @extend_schema(responses=SettingsAnswer)
    def get(self, request: Request) -> Response:
        """Show the settings."""
        return Response(settings(environment_id=self.caller.environment.pk))

    @extend_schema(request=SettingsChange, responses=SettingsAnswer)
    def put(self, request: Request) -> Response:
        """Change the settings that are named; the others stay as they are."""
        changes = read_body(SettingsChange, request.data)
        check_placements(changes.get("placements", {}), unfilterable=unfilterable_attributes())
        return Response(
            change_settings(
                environment=self.caller.environment, changes=changes, actor=self.caller.actor
            )
        )


urlpatterns = [path("settings", SettingsView.as_view())]
