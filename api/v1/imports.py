"""Imports: send a file, watch it, read what was wrong with it, stop it or let it go on."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

import orjson
from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from typing_extensions import override

from api.v1.import_options import FORMATS, KINDS, MODES, KindView, check_reading, kinds_of
from api.v1.pagination import PAGE_PARAMETERS, page, page_request
from api.v1.permissions import ANY_SCOPE
from api.v1.renderers import OrjsonRenderer
from api.v1.serializers import StrictSerializer, page_of, read_body
from api.v1.uploads import UploadParser
from engine.files.table_writers import defused
from engine.selectors.imports import (
    check_errors_kept,
    import_bodies,
    import_body,
    import_errors,
    import_kind,
)
from engine.services.cancel_import import cancel_import
from engine.services.confirm_import import confirm_import
from engine.services.import_uploads import Upload
from engine.services.start_import import start_import
from saas.lib.errors import InvalidParameter

_ERROR_COLUMNS = ("line", "column", "value", "code", "detail")


class ImportRequest(StrictSerializer):
    """What the file holds, and what to do with it; the file itself is the part `file`."""

    kind = serializers.ChoiceField(KINDS)
    format = serializers.ChoiceField(FORMATS, default="auto")
    mode = serializers.ChoiceField(MODES, default="incremental")
    dry_run = serializers.BooleanField(default=False)
    timezone = serializers.CharField(
        default=None, help_text="Of times without an offset, such as 'Europe/Berlin'."
    )
    mapping = serializers.CharField(
        default="{}", help_text='JSON: {"our field": "their column"}.', trim_whitespace=False
    )


class ImportUpload(ImportRequest):
    """The parts of the request."""

    file = serializers.FileField()


class FileErrorAnswer(serializers.Serializer[Any]):
    """A row that could not be taken."""

    line = serializers.IntegerField()
    column = serializers.CharField(allow_blank=True)
    value = serializers.CharField(allow_blank=True)
    code = serializers.CharField()
    detail = serializers.CharField()


class FileWarningAnswer(serializers.Serializer[Any]):
    """Something about the file as a whole that its sender may not have meant."""

    code = serializers.ChoiceField(["ignored_column", "deletions_left_out"])
    column = serializers.CharField(required=False)
    detail = serializers.CharField()


class ImportAnswer(serializers.Serializer[Any]):
    """An import; what does not apply is left out."""

    id = serializers.CharField()
    kind = serializers.ChoiceField(KINDS)
    format = serializers.ChoiceField(FORMATS)
    mode = serializers.ChoiceField(MODES)
    dry_run = serializers.BooleanField()
    status = serializers.ChoiceField(
        ["queued", "running", "needs_confirmation", "completed", "failed", "cancelled"]
    )
    rows_read = serializers.IntegerField()
    rows_total = serializers.IntegerField(required=False)
    accepted = serializers.IntegerField()
    created = serializers.IntegerField()
    updated = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    duplicates = serializers.IntegerField()
    deleted = serializers.IntegerField()
    stale = serializers.IntegerField()
    rejected = serializers.IntegerField()
    errors_by_code = serializers.DictField(child=serializers.IntegerField())
    sample_errors = FileErrorAnswer(many=True, required=False)
    warnings = FileWarningAnswer(many=True)
    would_delete = serializers.IntegerField(required=False)
    error = serializers.CharField(required=False)
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)
    eta_seconds = serializers.IntegerField(required=False)


class ImportsView(KindView):
    """/v1/imports."""

    required_scopes: ClassVar = {"GET": ANY_SCOPE, "POST": ANY_SCOPE}
    query_parameters: ClassVar = PAGE_PARAMETERS
    parser_classes = (UploadParser,)
    _upload: Upload | None = None

    @override
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            return super().dispatch(request, *args, **kwargs)
        finally:
            if self._upload is not None:
                self._upload.close()

    @property
    def upload(self) -> Upload:
        """Return where the parser puts the file."""
        if self._upload is None:
            self._upload = Upload(environment_id=self.caller.environment.pk)
        return self._upload

    @extend_schema(responses=page_of(ImportAnswer))
    def get(self, request: Request) -> Response:
        """List the imports, newest first."""
        asked = page_request(request, key_types=(str,))
        bodies = import_bodies(
            kinds=kinds_of(self.caller, "read"),
            limit=asked.limit + 1,
            before=asked.after[0] if asked.after else None,
        )
        return Response(page(bodies, limit=asked.limit, key=lambda row: (row["id"],), as_json=dict))

    @extend_schema(request={"multipart/form-data": ImportUpload}, responses={202: ImportAnswer})
    def post(self, request: Request) -> Response:
        """Take a file of items, events or users; it is read by a worker."""
        asked = read_body(ImportRequest, request.data)
        self.check_kind(asked["kind"])
        mapping = _mapping(asked["mapping"])
        check_reading(
            kind=asked["kind"], mode=asked["mode"], time_zone=asked["timezone"], mapping=mapping
        )
        start_import(
            environment=self.caller.environment,
            import_id=self.upload.import_id,
            kind=asked["kind"],
            file_format=asked["format"],
            mode=asked["mode"],
            is_dry_run=asked["dry_run"],
            time_zone=asked["timezone"],
            mapping=mapping,
        )
        self.upload.keep()
        body = import_body(self.upload.import_id)
        location = f"/v1/imports/{self.upload.import_id}"
        return Response(body, status=202, headers={"Location": location})


class OneImportView(KindView):
    """/v1/imports/{id}."""

    required_scopes: ClassVar = {"GET": ANY_SCOPE}

    @extend_schema(responses=ImportAnswer)
    def get(self, request: Request, import_id: str) -> Response:
        """Show how far an import has come."""
        body = import_body(import_id)
        self.check_kind(body["kind"])
        return Response(body)


class _Csv(BaseRenderer):
    """Lets a client ask for text/csv; the view answers with a stream of its own."""

    media_type = "text/csv"
    format = "csv"


class ImportErrorsView(KindView):
    """/v1/imports/{id}/errors.csv."""

    required_scopes: ClassVar = {"GET": ANY_SCOPE}
    renderer_classes = (OrjsonRenderer, _Csv)

    @extend_schema(responses={(200, "text/csv"): str})
    def get(self, request: Request, import_id: str) -> StreamingHttpResponse:
        """List each bad row: its line, the column and value, a code, and the way to fix it."""
        self.check_kind(import_kind(import_id))
        check_errors_kept(import_id)
        errors = import_errors(environment=self.caller.environment, import_id=import_id)
        return StreamingHttpResponse(
            errors_as_csv(errors),
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{import_id}-errors.csv"'},
        )


class ImportCancellationView(KindView):
    """/v1/imports/{id}:cancel."""

    required_scopes: ClassVar = {"POST": ANY_SCOPE}

    @extend_schema(request=None, responses=ImportAnswer)
    def post(self, request: Request, import_id: str) -> Response:
        """Stop an import; what an incremental one has written stays."""
        self.check_kind(import_kind(import_id))
        cancel_import(environment=self.caller.environment, import_id=import_id)
        return Response(import_body(import_id))


class ImportConfirmationView(KindView):
    """/v1/imports/{id}:confirm."""

    required_scopes: ClassVar = {"POST": ANY_SCOPE}

    @extend_schema(request=None, responses=ImportAnswer)
    def post(self, request: Request, import_id: str) -> Response:
        """Let a full import delete as much as it said."""
        self.check_kind(import_kind(import_id))
        confirm_import(environment=self.caller.environment, import_id=import_id)
        return Response(import_body(import_id))


def _mapping(text: str) -> dict[str, Any]:
    try:
        mapping = orjson.loads(text)
    except orjson.JSONDecodeError:
        mapping = None
    if not isinstance(mapping, dict):
        raise InvalidParameter(
            '\'mapping\' is no JSON object of texts; send {"our field": "their column"}.',
            pointer="/mapping",
        )
    return mapping


def errors_as_csv(errors: Iterable[tuple[Any, ...]]) -> Iterator[str]:
    """Yield the text of errors.csv, in which no cell is a formula."""
    line = io.StringIO()
    writer = csv.writer(line)
    writer.writerow(_ERROR_COLUMNS)
    for row in errors:
        writer.writerow([defused(cell) if isinstance(cell, str) else cell for cell in row])
        if line.tell() > 64 * 1024:
            yield _taken(line)
    yield _taken(line)


def _taken(line: io.StringIO) -> str:
    text = line.getvalue()
    line.seek(0)
    line.truncate()
    return text


urlpatterns = [
    path("imports", ImportsView.as_view()),
    path("imports/<id:import_id>:cancel", ImportCancellationView.as_view()),
    path("imports/<id:import_id>:confirm", ImportConfirmationView.as_view()),
    path("imports/<id:import_id>/errors.csv", ImportErrorsView.as_view()),
    path("imports/<id:import_id>", OneImportView.as_view()),
]
