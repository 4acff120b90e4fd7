"""Takes payloads that a shop sends to other tools already, unchanged: GA4's and Segment's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from django.db import transaction
from django.urls import path
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.v1.authentication import WriteKeyAuthentication
from api.v1.bodies import read_object
from api.v1.event_allowance import take_events
from api.v1.ingestion_schema import IngestAnswer
from api.v1.parsers import sent_json
from api.v1.user_tokens import admit_users
from api.v1.views import BeaconView
from engine.rows.collected import Payload
from engine.rows.ga4 import read_ga4
from engine.rows.segment import read_segment
from engine.services.collect_events import collect_events


class CollectView(BeaconView):
    """Takes in what a reader finds in a payload."""

    required_scopes: ClassVar = {"POST": "events:write"}

    def _collect(self, body: Any, read: Callable[[Mapping[str, Any]], Payload]) -> Response:
        payload = read(read_object(body))
        take_events(self.caller, count=len(payload.events))
        admit_users(
            [event.row for event in payload.events],
            caller=self.caller,
            token=None,
            pointer_of=lambda row: payload.events[row].pointers["user_id"],
        )
        result = collect_events(
            environment=self.caller.environment,
            payload=payload,
            received_at=timezone.now(),
            source="browser" if self.caller.kind == "publishable" else "server",
            may_describe_users=self.caller.kind == "secret"
            and "catalogue:write" in self.caller.scopes,
        )
        answer = result.as_body()
        # The answer is rendered after the commit, which is what sets the watermark.
        transaction.on_commit(lambda: answer.update(watermark=result.watermark))
        return Response(answer, status=202)


class Ga4View(CollectView):
    """POST /v1/collect/ga4."""

    @extend_schema(request=OpenApiTypes.OBJECT, responses={202: IngestAnswer})
    def post(self, request: Request) -> Response:
        """Take in a Measurement Protocol body, or one gtag or data layer event with a client_id.

        `view_item_list`, `select_item`, `view_item`, `add_to_wishlist`, `add_to_cart`,
        `remove_from_cart`, `purchase`, `refund`, `search` and promotions of items become our
        types; any other event (a checkout repeats what its cart said) is ignored and named in
        `warnings`. `client_id` is the anonymous id.
        """
        return self._collect(sent_json(request), read_ga4)


class SegmentView(CollectView):
    """POST /v1/collect/segment."""

    authentication_classes = (WriteKeyAuthentication, *CollectView.authentication_classes)

    @extend_schema(request=OpenApiTypes.OBJECT, responses={202: IngestAnswer})
    def post(self, request: Request) -> Response:
        """Take in a Segment message or batch (e-commerce spec v2).

        `track` calls with the names of the spec become our types; `identify` with both ids and
        `alias` merge the visitor with the user; anything else is ignored and named in `warnings`.
        With a secret key that has `catalogue:write`, plain traits become attributes of the user,
        but for those that say who it is (name, email, phone, address and the like). The key may
        also come as Segment's write key does: HTTP Basic, the key as the user.
        """
        return self._collect(sent_json(request), read_segment)


urlpatterns = [
    path("collect/ga4", Ga4View.as_view()),
    path("collect/segment", SegmentView.as_view()),
]
