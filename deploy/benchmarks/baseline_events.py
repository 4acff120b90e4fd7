"""The events endpoint as one would first write it: a ModelSerializer and bulk_create.

It has the same authentication, parser, transaction and tables as the real one, and no more: it
finds no conflicts, counts no duplicates, joins no visitors and publishes nothing.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar
from uuid import NAMESPACE_OID, uuid5

import django
from a2wsgi import WSGIMiddleware

django.setup()

from django.conf import settings  # noqa: E402
from django.urls import path  # noqa: E402
from django.utils import timezone  # noqa: E402
from rest_framework import serializers  # noqa: E402
from rest_framework.request import Request  # noqa: E402
from rest_framework.response import Response  # noqa: E402

from api.v1.views import EnvironmentView  # noqa: E402
from engine.models.event import Event  # noqa: E402
from engine.models.item import ItemRef  # noqa: E402
from engine.models.shopper import Shopper  # noqa: E402
from saas.asgi import DJANGO_THREADS  # noqa: E402
from saas.wsgi import application as wsgi_application  # noqa: E402


class EventSerializer(serializers.ModelSerializer[Event]):
    """One event."""

    user_id = serializers.CharField(max_length=256)
    item_id = serializers.CharField(max_length=256)
    ts = serializers.DateTimeField()

    class Meta:
        model = Event
        fields = ("type", "user_id", "item_id", "ts", "event_id")


class BaselineView(EnvironmentView):
    """POST /v1/events."""

    required_scopes: ClassVar = {"POST": "events:write"}

    def post(self, request: Request) -> Response:
        """Store a batch."""
        serializer = EventSerializer(data=request.data["events"], many=True)
        serializer.is_valid(raise_exception=True)
        store(serializer.validated_data, now=timezone.now())
        return Response({"accepted": len(serializer.validated_data)}, status=202)


def store(rows: list[dict[str, Any]], *, now: datetime) -> None:
    """Store events with bulk_create, after whom and what they name."""
    # Sorted, or requests at the same time wait for each other in a circle.
    users = sorted({row["user_id"] for row in rows})
    refs = sorted({row["item_id"] for row in rows})
    Shopper.objects.bulk_create(
        [Shopper(kind="user", external_id=each, created_at=now, updated_at=now) for each in users],
        ignore_conflicts=True,
    )
    ItemRef.objects.bulk_create([ItemRef(ref=ref) for ref in refs], ignore_conflicts=True)
    user_ids = dict(
        Shopper.objects.filter(kind="user", external_id__in=users).values_list("external_id", "id")
    )
    ref_ids = dict(ItemRef.objects.filter(ref__in=refs).values_list("ref", "id"))
    Event.objects.bulk_create(
        [
            Event(
                event_key=uuid5(NAMESPACE_OID, row["event_id"]),
                line=0,
                content_digest=b"",
                event_id=row["event_id"],
                source="server",
                type=row["type"],
                occurred_at=row["ts"],
                received_at=now,
                user_id=user_ids[row["user_id"]],
                item_ref_id=ref_ids[row["item_id"]],
            )
            for row in rows
        ],
        ignore_conflicts=True,
    )


urlpatterns = [path("v1/events", BaselineView.as_view())]
settings.ROOT_URLCONF = __name__
wsgi: Any = wsgi_application
application = WSGIMiddleware(wsgi, workers=DJANGO_THREADS)
