"""The calls about behaviour: events come in, can be looked at, and one can be taken back."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from django.db import transaction
from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import PolymorphicProxySerializer, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.v1.bodies import read_object, read_rows
from api.v1.event_allowance import take_events
from api.v1.ingestion_schema import EventAnswer, EventBatchBody, EventBody, IngestAnswer
from api.v1.pagination import PAGE_PARAMETERS, page, page_request
from api.v1.parsers import sent_json
from api.v1.serializers import page_of
from api.v1.user_tokens import MEMBER as USER_TOKEN
from api.v1.user_tokens import admit_users
from api.v1.views import BeaconView, EnvironmentView
from engine.rows.reading import MAX_UNKNOWN_NAMED, nearest
from engine.rows.values import BadValue, read_id, read_time, shown
from engine.selectors.events import event_page
from engine.services.delete_event import delete_event
from engine.services.ingest_events import ingest_events
from saas.lib.errors import InvalidParameter

_ID_FILTERS = ("user_id", "anonymous_id", "order_id", "item_id", "type")
_TIME_FILTERS = ("since", "until")
_ENVELOPE = {"events": 1, "sent_at": 2, USER_TOKEN: 3}


class EventsView(BeaconView):
    """/v1/events."""

    required_scopes: ClassVar = {"GET": "events:read", "POST": "events:write"}
    query_parameters: ClassVar = PAGE_PARAMETERS | {*_ID_FILTERS, *_TIME_FILTERS}

    @extend_schema(responses=page_of(EventAnswer))
    def get(self, request: Request) -> Response:
        """List events, newest first."""
        wanted = page_request(request, key_types=(str, str))
        events = event_page(
            filters=_filters(request),
            after=None if wanted.after is None else _place(*wanted.after),
            limit=wanted.limit,
        )
        return Response(
            page(
                events,
                limit=wanted.limit,
                key=lambda event: (event.occurred_at.isoformat(), event.event_key),
                as_json=lambda event: event.body,
            )
        )

    @extend_schema(
        request=PolymorphicProxySerializer(
            component_name="EventsBody",
            serializers=[EventBody, EventBatchBody],
            resource_type_field_name=None,
        ),
        responses={202: IngestAnswer},
    )
    def post(self, request: Request) -> Response:
        """Take in one event, or up to 1,000."""
        body = read_object(sent_json(request))
        is_batch = "events" in body
        rows = read_rows(body, "events") if is_batch else [body]
        take_events(self.caller, count=len(rows))
        pointer = "/events/{index}" if is_batch else ""
        admit_users(
            rows,
            caller=self.caller,
            token=body.get(USER_TOKEN) if is_batch else None,
            pointer_of=lambda index: f"{pointer.format(index=index)}/user_id",
        )
        result = ingest_events(
            environment=self.caller.environment,
            rows=rows,
            received_at=timezone.now(),
            source="browser" if self.caller.kind == "publishable" else "server",
            sent_at=body.get("sent_at") if is_batch else None,
            pointer=pointer,
        )
        answer = result.as_body()
        if is_batch:
            answer["warnings"] += _unknown_members(body)
        # The answer is rendered after the commit, which is what sets the watermark.
        transaction.on_commit(lambda: answer.update(watermark=result.watermark))
        return Response(answer, status=202)


class EventView(EnvironmentView):
    """/v1/events/{event_id}."""

    required_scopes: ClassVar = {"DELETE": "events:write"}

    def delete(self, request: Request, event_id: str) -> Response:
        """Take an event back."""
        delete_event(environment=self.caller.environment, event_id=event_id)
        return Response(status=204)


def _unknown_members(body: dict[str, Any]) -> list[dict[str, str]]:
    unknown = [name[:80] for name in body if name not in _ENVELOPE]
    return [
        {
            "pointer": f"/{name}",
            "code": "unknown_field",
            "detail": f"The request has the unknown field '{name}'{nearest(name, _ENVELOPE)}.",
        }
        for name in unknown[:MAX_UNKNOWN_NAMED]
    ]


def _filters(request: Request) -> dict[str, Any]:
    readers = dict.fromkeys(_ID_FILTERS, read_id) | dict.fromkeys(_TIME_FILTERS, read_time)
    filters: dict[str, Any] = {}
    for name, reader in readers.items():
        sent = request.query_params.get(name)
        if sent is None:
            continue
        try:
            filters[name] = reader(sent)
        except BadValue as bad:
            raise InvalidParameter(
                f"'{name}' is {shown(sent)}; {bad.advice}.", pointer=f"?{name}"
            ) from None
    return filters


def _place(occurred_at: str, event_key: str) -> tuple[datetime, str]:
    try:
        return read_time(occurred_at), str(UUID(event_key))
    except (BadValue, ValueError):
        raise InvalidParameter(
            "'cursor' is not one of ours; send 'next_cursor' of the page before.",
            pointer="?cursor",
        ) from None


urlpatterns = [
    path("events", EventsView.as_view()),
    path("events/<id:event_id>", EventView.as_view()),
]
