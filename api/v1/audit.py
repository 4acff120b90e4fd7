"""GET /v1/audit: who did what to the store, when and why."""

from __future__ import annotations

from typing import Any, ClassVar

from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.v1.pagination import PAGE_PARAMETERS, page, page_request
from api.v1.parameters import query_time
from api.v1.serializers import page_of
from api.v1.views import EnvironmentView
from tenants.selectors.audit import audit_events, shown_actor


class AuditEventAnswer(serializers.Serializer[Any]):
    """One decision; it is never changed."""

    id = serializers.IntegerField()
    at = serializers.DateTimeField()
    actor = serializers.CharField(help_text="`key:…`, `person:…`, `staff` or `shelfwise`.")
    action = serializers.CharField()
    object = serializers.CharField()
    reason = serializers.CharField(allow_blank=True)
    before = serializers.DictField()
    after = serializers.DictField()


class AuditView(EnvironmentView):
    """/v1/audit."""

    required_scopes: ClassVar = {"GET": "audit:read"}
    query_parameters: ClassVar = PAGE_PARAMETERS | {"since", "object"}
    is_always_answered: ClassVar = True
    needs_secret_key: ClassVar = True

    @extend_schema(
        parameters=[
            OpenApiParameter("since", OpenApiTypes.DATETIME),
            OpenApiParameter(
                "object",
                str,
                description="One object, such as `subscription`; `model:` is every model.",
            ),
        ],
        responses=page_of(AuditEventAnswer),
    )
    def get(self, request: Request) -> Response:
        """List what was done to the store, in both environments, newest first."""
        asked = page_request(request, key_types=(int,))
        rows = audit_events(
            tenant_id=self.caller.tenant.pk,
            since=query_time(request.query_params, "since"),
            object_name=request.query_params.get("object"),
            before_id=asked.after[0] if asked.after else None,
            limit=asked.limit + 1,
        )
        return Response(page(rows, limit=asked.limit, key=lambda row: (row.pk,), as_json=_as_json))


def _as_json(event: Any) -> dict[str, Any]:
    return {
        "id": event.pk,
        "at": event.at,
        "actor": shown_actor(event.actor),
        "action": event.action,
        "object": event.object,
        "reason": event.reason,
        "before": event.before,
        "after": event.after,
    }


urlpatterns = [path("audit", AuditView.as_view())]
