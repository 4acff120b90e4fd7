"""GET /v1/usage and PUT /v1/usage/limits: what a store has used, what it costs, and its cap."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from django.urls import path
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.v1.parameters import query_time
from api.v1.serializers import AmountField, StrictSerializer, TextField, read_body
from api.v1.views import EnvironmentView
from billing.core.money import as_text
from billing.selectors.account import Account, account
from billing.selectors.usage import (
    usage_by_day,
    usage_by_hour,
    usage_by_key,
    usage_by_operation,
    usage_by_placement,
)
from billing.services.change_spend_cap import change_spend_cap
from engine.rows.values import shown
from saas.lib.errors import Conflict, InvalidParameter
from tenants.context import on_platform

_MOST_DAYS = {"day": 400, "hour": 32, "operation": 400, "placement": 100, "key": 100}
# Of single calls; hours and days are kept for good.
_CALL_DETAILS_DAYS = 45


class MoneyAnswer(serializers.Serializer[Any]):
    """An amount."""

    amount = serializers.CharField(help_text="A decimal string.")
    currency = serializers.CharField(help_text="ISO 4217.")


class PeriodAnswer(serializers.Serializer[Any]):
    """From its first moment to before its end."""

    start = serializers.DateTimeField()
    end = serializers.DateTimeField()


class RetentionAnswer(serializers.Serializer[Any]):
    """For how long what is kept."""

    events_days = serializers.IntegerField()
    call_details_days = serializers.IntegerField()


class UsageRowAnswer(serializers.Serializer[Any]):
    """What was used at a time, or of an operation."""

    start = serializers.DateTimeField(required=False)
    operation = serializers.CharField(required=False)
    placement = serializers.CharField(
        required=False, allow_null=True, help_text="Null: calls without one."
    )
    key_id = serializers.CharField(required=False, allow_null=True)
    calls = serializers.IntegerField(help_text="All that were answered.")
    units = serializers.IntegerField(help_text="Those that are charged.")


class UsageAnswer(serializers.Serializer[Any]):
    """The current period, and what was used from `from` to before `to`."""

    plan = serializers.CharField()
    state = serializers.CharField()
    period = PeriodAnswer()
    included = serializers.IntegerField(allow_null=True, help_text="Null without a plan.")
    limit = serializers.IntegerField(
        allow_null=True, help_text="Units after which `on_limit` decides; null: there is no end."
    )
    used = serializers.IntegerField()
    remaining = serializers.IntegerField(allow_null=True, help_text="Of the included ones.")
    overage = serializers.IntegerField()
    projected = serializers.IntegerField(
        help_text="Units at the period's end if it goes on like this."
    )
    spend = MoneyAnswer(
        allow_null=True, help_text="The plan's price and the calls beyond, so far, without tax."
    )
    projected_spend = MoneyAnswer(allow_null=True)
    spend_cap = MoneyAnswer(allow_null=True)
    retention = RetentionAnswer()
    as_of = serializers.DateTimeField(help_text="Up to when all calls are counted.")
    data = UsageRowAnswer(many=True)  # type: ignore[assignment]  # the serializer has its own


class MoneyBody(StrictSerializer):
    """An amount."""

    amount = AmountField(help_text="Of the currency you are billed in.")
    currency = TextField()


class LimitsBody(StrictSerializer):
    """What is to be limited."""

    spend_cap = MoneyBody(
        allow_null=True,
        help_text="What a period may cost at most, the plan's price included; beyond it `on_limit` "
        "decides. Null lifts the cap.",
    )


class LimitsAnswer(serializers.Serializer[Any]):
    """What is limited."""

    spend_cap = MoneyAnswer(allow_null=True)


class UsageView(EnvironmentView):
    """/v1/usage."""

    required_scopes: ClassVar = {"GET": "usage:read"}
    query_parameters: ClassVar = ("from", "to", "group")
    is_always_answered: ClassVar = True
    needs_secret_key: ClassVar = True

    @extend_schema(
        parameters=[
            OpenApiParameter("from", OpenApiTypes.DATETIME, description="Default: the period's."),
            OpenApiParameter("to", OpenApiTypes.DATETIME, description="Default: the period's end."),
            OpenApiParameter("group", enum=list(_MOST_DAYS), default="day"),
        ],
        responses=UsageAnswer,
    )
    def get(self, request: Request) -> Response:
        """Show the current period, and what was used: by time, operation, placement or key.

        Days are those of the store's time zone, where its settings name one; periods are UTC's.
        """
        environment = self.caller.environment
        group = request.query_params.get("group", "day")
        if group not in _MOST_DAYS:
            raise InvalidParameter(
                f"'group' is {shown(group)}; send one of {', '.join(_MOST_DAYS)}.",
                pointer="?group",
            )
        with on_platform():
            stands = account(
                tenant_id=environment.tenant_id, environment_id=environment.pk, now=timezone.now()
            )
            since = query_time(request.query_params, "from") or stands.period_start
            until = query_time(request.query_params, "to") or stands.period_end
            _check_span(since, until, group=group)
            rows = _rows(
                group,
                environment_id=environment.pk,
                since=since,
                until=until,
                zone=environment.timezone,
            )
        return Response({**_totals(stands), "data": rows})


class LimitsView(EnvironmentView):
    """/v1/usage/limits."""

    required_scopes: ClassVar = {"PUT": "usage:write"}
    is_always_answered: ClassVar = True

    @extend_schema(request=LimitsBody, responses=LimitsAnswer)
    def put(self, request: Request) -> Response:
        """Set what a period may cost at most, or lift the cap; it acts within seconds."""
        if self.caller.environment.kind == "test":
            raise Conflict("A test environment is never billed, so it has no cap; use a live key.")
        cap = read_body(LimitsBody, request.data)["spend_cap"] or {}
        change_spend_cap(
            tenant_id=self.caller.tenant.pk,
            amount=cap.get("amount"),
            currency=cap.get("currency"),
            actor=self.caller.actor,
        )
        with on_platform():
            stands = account(
                tenant_id=self.caller.tenant.pk,
                environment_id=self.caller.environment.pk,
                now=timezone.now(),
            )
        return Response({"spend_cap": _money(stands.spend_cap_minor, stands)})


def _check_span(since: datetime, until: datetime, *, group: str) -> None:
    if since >= until:
        raise InvalidParameter("'from' is not before 'to'; send an earlier one.", pointer="?from")
    if until - since > timedelta(days=_MOST_DAYS[group]):
        raise InvalidParameter(
            f"'from' is over {_MOST_DAYS[group]} days before 'to'; ask for a shorter time.",
            pointer="?from",
        )


def _rows(
    group: str, *, environment_id: int, since: datetime, until: datetime, zone: str | None
) -> Sequence[dict[str, Any]]:
    asked: dict[str, Any] = {
        "environment_id": environment_id,
        "since": since,
        "until": until,
    }
    if group == "operation":
        return [
            {
                "operation": row.operation.name.lower().replace("_", "-"),
                "calls": row.calls,
                "units": row.units,
            }
            for row in usage_by_operation(**asked)
        ]
    if group == "placement":
        return [
            {"placement": row.name, "calls": row.calls, "units": row.units}
            for row in usage_by_placement(**asked)
        ]
    if group == "key":
        return [
            {"key_id": row.name, "calls": row.calls, "units": row.units}
            for row in usage_by_key(**asked)
        ]
    timed = (
        usage_by_hour(**asked)
        if group == "hour"
        else usage_by_day(**asked, timezone=ZoneInfo(zone or "UTC"))
    )
    return [{"start": row.start, "calls": row.calls, "units": row.units} for row in timed]


def _totals(stands: Account) -> dict[str, Any]:
    return {
        "plan": stands.plan,
        "state": stands.state,
        "period": {"start": stands.period_start, "end": stands.period_end},
        "included": stands.included,
        "limit": stands.call_limit,
        "used": stands.used,
        "remaining": stands.remaining,
        "overage": stands.overage,
        "projected": stands.projected,
        "spend": _money(stands.spend_minor, stands),
        "projected_spend": _money(stands.projected_spend_minor, stands),
        "spend_cap": _money(stands.spend_cap_minor, stands),
        "retention": {
            "events_days": stands.retention_days,
            "call_details_days": _CALL_DETAILS_DAYS,
        },
        "as_of": stands.as_of,
    }


def _money(minor: int | None, stands: Account) -> dict[str, str] | None:
    if minor is None or stands.currency is None:
        return None
    return {"amount": as_text(minor, stands.currency), "currency": stands.currency}


urlpatterns = [
    path("usage", UsageView.as_view()),
    path("usage/limits", LimitsView.as_view()),
]
