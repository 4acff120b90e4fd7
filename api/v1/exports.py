"""Exports: ask for a file of items or events, watch it, fetch it over a link."""

from __future__ import annotations

from typing import Any, ClassVar

from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from typing_extensions import override

from api.v1.authentication import Caller
from api.v1.pagination import PAGE_PARAMETERS, page, page_request
from api.v1.permissions import ANY_SCOPE
from api.v1.serializers import StrictSerializer, page_of, read_body
from api.v1.views import EnvironmentView
from engine.rows.values import MAX_ID_CHARACTERS, BadValue, read_id
from engine.selectors.exports import (
    download_of_export,
    export_body,
    export_of,
    exports,
    has_file,
)
from engine.selectors.items import moment
from engine.services.request_export import Lists, request_export
from saas.lib.download_links import link_to
from saas.lib.errors import InsufficientScope

# Whoever may read the rows may have them as a file.
_SCOPES = {
    "items": "catalogue:read",
    "events": "events:read",
    "recommendations": "recommendations:read",
}
_MAX_USERS = 10_000
_MAX_LIST = 100
_FORMATS = ("csv", "ndjson", "parquet")


@extend_schema_field(
    {
        "oneOf": [
            {"type": "string", "enum": ["all"]},
            {
                "type": "array",
                "items": {"type": "string", "minLength": 1, "maxLength": MAX_ID_CHARACTERS},
                "minItems": 1,
                "maxItems": _MAX_USERS,
            },
        ]
    }
)
class UsersField(serializers.Field[Any, Any, Any, Any]):
    """The text "all", or a list of user ids; who is named twice gets one list."""

    @override
    def to_internal_value(self, data: Any) -> list[str] | None:
        if data == "all":
            return None
        if not isinstance(data, list) or not 0 < len(data) <= _MAX_USERS:
            raise serializers.ValidationError(
                f'Send "all", or a list of 1 to {_MAX_USERS:,} user ids.', code="invalid"
            )
        try:
            return list(dict.fromkeys(map(read_id, data)))
        except BadValue as bad:
            raise serializers.ValidationError(
                f"One of the ids cannot be an id; {bad.advice}.", code="invalid"
            ) from None


class ExportRequest(StrictSerializer):
    """What to write, and how."""

    kind = serializers.ChoiceField(
        list(_SCOPES),
        error_messages={
            "invalid_choice": "'{input}' cannot be exported; send items, events or recommendations."
        },
    )
    format = serializers.ChoiceField(_FORMATS, default="csv")
    users = UsersField(
        required=False,
        help_text="Of recommendations: who gets a list; `all` (at first) is every user with a "
        "profile.",
    )
    limit = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=_MAX_LIST,
        help_text="Of recommendations: the most items of a list (at first 10).",
    )

    @override
    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["kind"] != "recommendations":
            for name in ("users", "limit"):
                if name in attrs:
                    raise serializers.ValidationError(
                        {name: f"Only an export of recommendations has '{name}'; leave it out."}
                    )
        return attrs


class ExportAnswer(serializers.Serializer[Any]):
    """An export; what does not apply is left out."""

    id = serializers.CharField()
    kind = serializers.ChoiceField(list(_SCOPES))
    format = serializers.ChoiceField(_FORMATS)
    status = serializers.ChoiceField(
        ["queued", "running", "completed", "failed", "expired"],
        help_text="Files are kept for 3 days, then the export is `expired`.",
    )
    progress = serializers.FloatField(min_value=0, max_value=1)
    rows_written = serializers.IntegerField()
    rows_total = serializers.IntegerField(required=False)
    bytes = serializers.IntegerField(required=False)
    error = serializers.CharField(required=False)
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)
    download_url = serializers.URLField(
        required=False,
        help_text="Opens the file without a credential until `expires_at`; ranges are served. "
        "Each look at the export makes a new one.",
    )
    expires_at = serializers.DateTimeField(required=False)


class ExportView(EnvironmentView):
    """The base of a view of exports: which of them a credential may see depends on their kind."""

    required_scopes: ClassVar = {"GET": ANY_SCOPE, "POST": ANY_SCOPE}

    @override
    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if not _kinds_of(self.caller):
            raise InsufficientScope(_SCOPES["items"])

    def check_kind(self, kind: str) -> None:
        """Hold a call to the scope of what the export holds.

        Raises
        ------
        InsufficientScope
            The credential is for other things.
        """
        if kind not in _kinds_of(self.caller):
            raise InsufficientScope(_SCOPES[kind])


class ExportsView(ExportView):
    """/v1/exports."""

    query_parameters: ClassVar = PAGE_PARAMETERS
    reading_methods: ClassVar = ("GET", "HEAD", "POST")

    @extend_schema(responses=page_of(ExportAnswer))
    def get(self, request: Request) -> Response:
        """List the exports, newest first."""
        asked = page_request(request, key_types=(str,))
        rows = exports(
            environment_id=self.caller.environment.pk,
            kinds=_kinds_of(self.caller),
            limit=asked.limit + 1,
            before=asked.after[0] if asked.after else None,
        )
        now = timezone.now()
        shown = page(
            rows,
            limit=asked.limit,
            key=lambda row: (row.pk,),
            as_json=lambda row: export_body(row, now=now),
        )
        return Response(shown)

    @extend_schema(request=ExportRequest, responses={202: ExportAnswer})
    def post(self, request: Request) -> Response:
        """Write items (`catalogue:read`), events (`events:read`) or recommendations into a file.

        An import takes items and events back as they are: nothing in the file would change what
        is stored. Recommendations (`recommendations:read`) are lists for many users, for e-mails
        say: a row for each item, by the live model, on all that is known at the time of writing.
        In CSV, lists are separated by `|`, attributes are JSON, and a text that a spreadsheet
        would run has an apostrophe before it.
        """
        asked = read_body(ExportRequest, request.data)
        self.check_kind(asked["kind"])
        is_lists = asked["kind"] == "recommendations"
        export = request_export(
            environment=self.caller.environment,
            kind=asked["kind"],
            file_format=asked["format"],
            lists=Lists(asked.get("users"), asked.get("limit", 10)) if is_lists else None,
        )
        body = export_body(export, now=timezone.now())
        return Response(body, status=202, headers={"Location": f"/v1/exports/{export.pk}"})


class OneExportView(ExportView):
    """/v1/exports/{id}."""

    required_scopes: ClassVar = {"GET": ANY_SCOPE}

    @extend_schema(responses=ExportAnswer)
    def get(self, request: Request, export_id: str) -> Response:
        """Show how far an export has come, and where its file is when it is written."""
        export = export_of(environment_id=self.caller.environment.pk, export_id=export_id)
        self.check_kind(export.kind)
        now = timezone.now()
        body = export_body(export, now=now)
        if has_file(export, now=now):
            link = link_to(download_of_export(export), now=now)
            body |= {
                "download_url": request.build_absolute_uri(link.path),
                "expires_at": moment(link.expires_at),
            }
        return Response(body, headers={"Cache-Control": "no-store"})


def _kinds_of(caller: Caller) -> list[str]:
    # A page may recommend, but not for every user of the store.
    if caller.kind == "publishable":
        return []
    return [kind for kind, scope in _SCOPES.items() if scope in caller.scopes]


urlpatterns = [
    path("exports", ExportsView.as_view()),
    path("exports/<id:export_id>", OneExportView.as_view()),
]
