"""The catalogue's calls: one item, a page of them, or a batch."""

from __future__ import annotations

from typing import Any, ClassVar, cast

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.v1.bodies import read_choice, read_envelope, read_flag, read_object, read_rows
from api.v1.ingestion_schema import ItemAnswer, ItemBatchBody, ItemBody, ItemPatch, WriteAnswer
from api.v1.pagination import PAGE_PARAMETERS, page, page_request
from api.v1.parsers import sent_json
from api.v1.serializers import page_of
from api.v1.views import EnvironmentView
from engine.rows.item_change import Op
from engine.selectors.items import item_body, item_page
from engine.services.write_items import delete_item, patch_item, put_item, write_items
from saas.lib.errors import NotFound


class ItemView(EnvironmentView):
    """/v1/items/{id}."""

    required_scopes: ClassVar = {
        "GET": "catalogue:read",
        "PUT": "catalogue:write",
        "PATCH": "catalogue:write",
        "DELETE": "catalogue:write",
    }

    @extend_schema(responses=ItemAnswer)
    def get(self, request: Request, item_id: str) -> Response:
        """Show an item."""
        return Response(_shown(item_id))

    @extend_schema(request=ItemBody, responses={200: ItemAnswer, 201: ItemAnswer})
    def put(self, request: Request, item_id: str) -> Response:
        """Create an item or replace it whole."""
        is_created = put_item(
            environment=self.caller.environment,
            item_id=item_id,
            members=read_object(sent_json(request)),
        )
        return Response(_shown(item_id), status=201 if is_created else 200)

    @extend_schema(request=ItemPatch, responses=ItemAnswer)
    def patch(self, request: Request, item_id: str) -> Response:
        """Change some members; null clears one."""
        patch_item(
            environment=self.caller.environment,
            item_id=item_id,
            members=read_object(sent_json(request)),
        )
        return Response(_shown(item_id))

    def delete(self, request: Request, item_id: str) -> Response:
        """Take an item out of the catalogue."""
        delete_item(environment=self.caller.environment, item_id=item_id)
        return Response(status=204)


class ItemsView(EnvironmentView):
    """/v1/items."""

    required_scopes: ClassVar = {"GET": "catalogue:read"}
    query_parameters: ClassVar = PAGE_PARAMETERS

    @extend_schema(responses=page_of(ItemAnswer))
    def get(self, request: Request) -> Response:
        """List the catalogue in the order of ids."""
        wanted = page_request(request, key_types=(str,))
        items = item_page(after=wanted.after[0] if wanted.after else None, limit=wanted.limit)
        return Response(
            page(items, limit=wanted.limit, key=lambda item: (item["id"],), as_json=dict)
        )


class ItemBatchView(EnvironmentView):
    """/v1/items:batch."""

    required_scopes: ClassVar = {"POST": "catalogue:write"}

    @extend_schema(request=ItemBatchBody, responses=WriteAnswer)
    def post(self, request: Request) -> Response:
        """Create, change and delete up to 1,000 items."""
        envelope = read_envelope(sent_json(request), known=("items", "op", "atomic"))
        result = write_items(
            environment=self.caller.environment,
            rows=read_rows(envelope, "items"),
            op=cast(Op, read_choice(envelope, "op", choices=("merge", "replace"))),
            is_atomic=read_flag(envelope, "atomic"),
        )
        return Response(result.as_body())


def _shown(item_id: str) -> dict[str, Any]:
    item = item_body(item_id)
    if item is None:
        raise NotFound(f"There is no item '{item_id}'.")
    return item


urlpatterns = [
    path("items", ItemsView.as_view()),
    path("items:batch", ItemBatchView.as_view()),
    path("items/<id:item_id>", ItemView.as_view()),
]
