"""Privacy: erase a shopper, hand out what the store has on one, and see what came of it."""

from __future__ import annotations

from typing import Any, ClassVar

from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import PolymorphicProxySerializer, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.v1.bodies import read_object
from api.v1.pagination import PAGE_PARAMETERS, page, page_request
from api.v1.serializers import StrictSerializer, TextField, page_of, read_body
from api.v1.views import EnvironmentView
from engine.rows.values import MAX_ID_CHARACTERS, BadValue, read_id, shown
from engine.selectors.privacy import (
    privacy_request,
    privacy_requests,
    request_body,
    stored_models,
)
from engine.services.erase_user import erase_user
from engine.services.export_user import export_user
from saas.lib.errors import InvalidParameter, NotFound


class UserBody(StrictSerializer):
    """Whom it is about; a user comes with every visitor merged into it."""

    user_id = TextField(trim_whitespace=False, max_length=MAX_ID_CHARACTERS)


class VisitorBody(StrictSerializer):
    """Whom it is about; a visitor stands for the user that they are now, if any."""

    anonymous_id = TextField(trim_whitespace=False, max_length=MAX_ID_CHARACTERS)


SUBJECT_BODY = PolymorphicProxySerializer(
    component_name="SubjectBody",
    serializers=[UserBody, VisitorBody],
    resource_type_field_name=None,
)


class RemovedAnswer(serializers.Serializer[Any]):
    """How much is gone; it grows until the request is completed."""

    users = serializers.IntegerField(help_text="Profiles, with their attributes.")
    anonymous_ids = serializers.IntegerField()
    identity_links = serializers.IntegerField()
    events = serializers.IntegerField(required=False)
    recent_lists = serializers.IntegerField(
        required=False, help_text="What serving knew of the last days."
    )
    import_rows = serializers.IntegerField(
        required=False, help_text="Staged rows, and rows of errors.csv that named the shopper."
    )
    files = serializers.IntegerField(
        required=False, help_text="Uploads and exports that held events, users or this export."
    )


class ModelVersionAnswer(serializers.Serializer[Any]):
    """A model whose training had read the shopper; nothing of it is served any more."""

    version = serializers.CharField()
    until = serializers.DateTimeField(help_text="When its files are gone at the latest.")


class PrivacyAnswer(serializers.Serializer[Any]):
    """A request and what came of it; what does not apply is left out."""

    id = serializers.CharField()
    kind = serializers.ChoiceField(["erase", "export"])
    status = serializers.ChoiceField(
        ["queued", "running", "completed", "failed"],
        help_text="An erasure is in force as soon as it is queued.",
    )
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)
    removed = RemovedAnswer(required=False)
    model_versions = ModelVersionAnswer(many=True, required=False)
    answers_kept_until = serializers.DateTimeField(
        required=False,
        help_text="Answers to requests with an Idempotency-Key may name the shopper until then.",
    )
    download_url = serializers.URLField(required=False)
    expires_at = serializers.DateTimeField(required=False)
    error = serializers.CharField(required=False)


class PrivacyView(EnvironmentView):
    """The base of these views: for the store's server alone."""

    needs_secret_key = True
    is_always_answered = True

    def _shown(self, request: Request, request_id: str) -> dict[str, Any]:
        found = privacy_request(request_id=request_id)
        if found is None:
            raise NotFound(
                f"There is no privacy request '{request_id}'; GET /v1/privacy/requests lists them."
            )
        return self._as_json(request, found, models=stored_models())

    def _as_json(self, request: Request, found: Any, *, models: Any) -> dict[str, Any]:
        body = request_body(
            found,
            environment_id=self.caller.environment.pk,
            models=models,
            now=timezone.now(),
        )
        if "download_url" in body:
            body["download_url"] = request.build_absolute_uri(body["download_url"])
        return body

    def _accepted(self, request: Request, request_id: str) -> Response:
        return Response(
            self._shown(request, request_id),
            status=202,
            headers={"Location": f"/v1/privacy/requests/{request_id}"},
        )


class EraseView(PrivacyView):
    """POST /v1/privacy/erase."""

    required_scopes: ClassVar = {"POST": "privacy:write"}

    @extend_schema(request=SUBJECT_BODY, responses={202: PrivacyAnswer})
    def post(self, request: Request) -> Response:
        """Erase a shopper: in force with the answer, and everywhere within 2 seconds."""
        request_id = erase_user(
            environment=self.caller.environment,
            actor=self.caller.actor,
            **_subject(request.data),
        )
        return self._accepted(request, request_id)


class ExportView(PrivacyView):
    """POST /v1/privacy/export."""

    required_scopes: ClassVar = {"POST": "privacy:write"}

    @extend_schema(request=SUBJECT_BODY, responses={202: PrivacyAnswer})
    def post(self, request: Request) -> Response:
        """Write everything that the store has on a shopper into a file."""
        request_id = export_user(
            environment=self.caller.environment,
            actor=self.caller.actor,
            **_subject(request.data),
        )
        return self._accepted(request, request_id)


class PrivacyRequestsView(PrivacyView):
    """GET /v1/privacy/requests, newest first."""

    required_scopes: ClassVar = {"GET": "privacy:write"}
    query_parameters = PAGE_PARAMETERS

    @extend_schema(responses=page_of(PrivacyAnswer))
    def get(self, request: Request) -> Response:
        """List the requests."""
        asked = page_request(request, key_types=(str,))
        rows = privacy_requests(
            limit=asked.limit + 1, before=asked.after[0] if asked.after else None
        )
        models = stored_models()
        return Response(
            page(
                rows,
                limit=asked.limit,
                key=lambda row: (row.pk,),
                as_json=lambda row: self._as_json(request, row, models=models),
            )
        )


class PrivacyRequestView(PrivacyView):
    """GET /v1/privacy/requests/{id}."""

    required_scopes: ClassVar = {"GET": "privacy:write"}

    @extend_schema(responses=PrivacyAnswer)
    def get(self, request: Request, request_id: str) -> Response:
        """Show a request: an erasure's receipt, or a link to an export's file."""
        return Response(self._shown(request, request_id))


def _subject(data: Any) -> dict[str, str | None]:
    sent = read_object(data)
    if not sent or {"user_id", "anonymous_id"} <= sent.keys():
        raise InvalidParameter(
            "The request names nobody, or two; send either a user_id or an anonymous_id."
        )
    ((name, value),) = read_body(VisitorBody if "anonymous_id" in sent else UserBody, sent).items()
    try:
        return {"user_id": None, "anonymous_id": None, name: read_id(value)}
    except BadValue as bad:
        raise InvalidParameter(
            f"'{name}' is {shown(value)}; {bad.advice}.", pointer=f"/{name}"
        ) from None


urlpatterns = [
    path("privacy/erase", EraseView.as_view()),
    path("privacy/export", ExportView.as_view()),
    path("privacy/requests", PrivacyRequestsView.as_view()),
    path("privacy/requests/<id:request_id>", PrivacyRequestView.as_view()),
]
