"""Turns every error of the web process into problem+json, whoever raised it."""

from __future__ import annotations

import sys
from typing import Any

import orjson
import sentry_sdk
import structlog
from django.core.exceptions import (
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
)
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from rest_framework import exceptions as drf

from saas.lib import errors
from saas.lib.errors import FieldError, ShelfwiseError
from saas.lib.problems import CONTENT_TYPE, problem

log = structlog.get_logger()

# Where the middleware keeps the request id, for whoever answers.
REQUEST_ID = "shelfwise.request_id"
# PostgreSQL's supervisor needs about a second to bring it back.
RETRY_AFTER_SECONDS = "2"
_SHOWN_CHARACTERS = 100
# The contract's word for what Django REST Framework calls otherwise.
_CODES = {"null_characters_not_allowed": "invalid_text"}

_BY_STATUS: dict[int, type[ShelfwiseError]] = {
    400: errors.BadRequest,
    403: errors.Forbidden,
    404: errors.NotFound,
    405: errors.MethodNotAllowed,
    406: errors.NotAcceptable,
    413: errors.PayloadTooLarge,
    415: errors.UnsupportedMediaType,
    429: errors.RateLimited,
}


def answer_problem(error: Exception, context: dict[str, Any]) -> HttpResponse:
    """Answer for a view of the API (Django REST Framework's exception handler).

    Not by a Response: that would pass the view's renderer, which may be one for pages.
    """
    return problem_response(context["request"], as_shelfwise_error(error))


def problem_response(request: HttpRequest, error: ShelfwiseError) -> HttpResponse:
    """Answer with a problem."""
    return HttpResponse(
        orjson.dumps(problem(error, instance=request.META[REQUEST_ID])),
        status=error.status,
        headers=error.headers,
        content_type=CONTENT_TYPE,
    )


def as_shelfwise_error(error: Exception) -> ShelfwiseError:
    """Return the error that the client is told; what nobody expected is logged and reported."""
    if isinstance(error, ShelfwiseError):
        return error
    if isinstance(error, OperationalError | InterfaceError):
        log.warning("storage_unavailable", error=str(error).partition("\n")[0])
        return errors.StorageUnavailable(
            "The database does not answer; nothing was stored, send the request again.",
            headers={"Retry-After": RETRY_AFTER_SECONDS},
        )
    if isinstance(error, drf.APIException):
        return _from_rest_framework(error)
    if isinstance(error, Http404):
        return errors.NotFound("There is no such object.")
    if isinstance(error, RequestDataTooBig):
        return errors.PayloadTooLarge("The body is over 5 MB; send several smaller ones.")
    if isinstance(error, SuspiciousOperation):
        return errors.BadRequest("The request is not well-formed; check its host and its path.")
    if isinstance(error, PermissionDenied):
        return errors.Forbidden("This is not allowed with your login.")
    log.error("request_failed", exc_info=error)
    sentry_sdk.capture_exception(error)
    return errors.InternalError(
        "Something failed on our side; send us the request id if it happens again."
    )


def _from_rest_framework(error: drf.APIException) -> ShelfwiseError:
    if isinstance(error, drf.NotAuthenticated | drf.AuthenticationFailed):
        return errors.InvalidToken()
    if isinstance(error, drf.ValidationError):
        fields = tuple(_field_errors(error.get_full_details(), pointer=""))
        return errors.InvalidParameter(
            f"{len(fields)} values are not acceptable; each is named in 'errors'."
            if len(fields) != 1
            else fields[0].detail,
            errors=fields,
        )
    kind = _BY_STATUS.get(error.status_code, errors.BadRequest)
    return kind(str(error.detail))


def _field_errors(details: Any, *, pointer: str) -> list[FieldError]:
    if isinstance(details, dict) and "message" in details and "code" in details:
        code = _CODES.get(details["code"], str(details["code"]))
        return [FieldError(pointer=pointer, code=code, detail=str(details["message"]))]
    if isinstance(details, list):
        # A list of messages belongs to one value; a list of objects is indexed.
        return [
            each
            for index, detail in enumerate(details)
            for each in _field_errors(
                detail,
                pointer=pointer if "message" in detail else f"{pointer}/{index}",
            )
        ]
    return [
        each
        for name, detail in details.items()
        for each in _field_errors(
            detail, pointer=pointer if name == "non_field_errors" else f"{pointer}/{name}"
        )
    ]


def as_problem(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Replace an error page of Django's own by a problem; leave all else as it is."""
    status = response.status_code
    is_page = hasattr(response, "template_name")  # a page that a view made on purpose
    if status < 400 or is_page or response.headers.get("Content-Type") == CONTENT_TYPE:
        return response
    kind = _BY_STATUS.get(status, errors.BadRequest if status < 500 else errors.InternalError)
    allow = response.headers.get("Allow")
    detail = (
        f"'{request.method}' is not a method of this path; it allows {allow}."
        if allow
        else f"The request was refused: {kind.title.lower()}."
    )
    return problem_response(request, kind(detail, headers={"Allow": allow} if allow else None))


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer what Django found malformed (handler400)."""
    return problem_response(request, as_shelfwise_error(exception))


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer what Django refused (handler403)."""
    return problem_response(request, as_shelfwise_error(exception))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer a path that nobody serves (handler404)."""
    path = request.path[:_SHOWN_CHARACTERS]
    return problem_response(
        request, errors.NotFound(f"There is no path '{path}'; '/docs' lists all paths.")
    )


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer what failed outside the API's views (handler500)."""
    error = sys.exc_info()[1]
    return problem_response(
        request,
        as_shelfwise_error(error if isinstance(error, Exception) else RuntimeError("unknown")),
    )
