"""The outermost layer: request id, log context, raw paths, metrics, and no page of Django's own."""

from __future__ import annotations

import io
import time
from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponse
from prometheus_client import Histogram

from api.v1.parsers import read_bounded
from api.v1.paths import raw_path
from api.v1.problems import REQUEST_ID, as_problem, problem_response
from api.v1.uploads import MAX_UPLOAD_BYTES, UploadParser
from saas.lib.errors import ShelfwiseError
from saas.lib.ids import request_id

log = structlog.get_logger()

REQUEST_SECONDS = Histogram(
    "shelfwise_request_seconds",
    "From the first middleware to the finished answer.",
    ["method", "route", "status"],
)
UPLOADS_PATH = "/v1/imports"
_UNMATCHED = "unmatched"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class RequestMiddleware:
    """Names each request, answers every error as a problem, and writes one line about it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:  # noqa: D102  # Django's protocol
        started = time.perf_counter()
        identifier = request_id(request.headers.get("X-Request-Id"))
        request.META[REQUEST_ID] = identifier
        with structlog.contextvars.bound_contextvars(request_id=identifier):
            try:
                response = self._answer(request)
                response.headers["X-Request-Id"] = identifier
                _record(request, response, seconds=time.perf_counter() - started)
            finally:
                # Bound by the authentication of this request, on a thread that serves others.
                structlog.contextvars.unbind_contextvars("tenant", "environment")
        return response

    def _answer(self, request: HttpRequest) -> HttpResponse:
        try:
            _read_chunked(request)
        except ShelfwiseError as error:
            return problem_response(request, error)
        if request.path_info.startswith("/v1/"):
            request.path_info = raw_path(request)
        response = self.get_response(request)
        # Pages on hosts of their own say in HTML what went wrong.
        is_page = getattr(request, "urlconf", None) is not None
        return response if is_page else as_problem(request, response)


def _read_chunked(request: HttpRequest) -> None:
    """Give a body without a length one: WSGI would read it as empty."""
    if "chunked" not in request.META.get("HTTP_TRANSFER_ENCODING", "").lower():
        return
    if request.content_type == UploadParser.media_type and request.path_info == UPLOADS_PATH:
        # As long as it may be; the parser finds its end.
        request.META["CONTENT_LENGTH"] = str(MAX_UPLOAD_BYTES)
        request._stream = request.META["wsgi.input"]
    else:
        body = read_bounded(request.META["wsgi.input"], content_length=None)
        request.META["CONTENT_LENGTH"] = str(len(body))
        request._stream = io.BytesIO(body)


def _record(request: HttpRequest, response: HttpResponse, *, seconds: float) -> None:
    match = request.resolver_match
    # The template, not the path: a path carries shoppers' ids.
    route = f"/{match.route}" if match is not None else _UNMATCHED
    method = request.method if request.method in _METHODS else "other"
    status = str(response.status_code)
    REQUEST_SECONDS.labels(method, route, status).observe(seconds)
    log.info(
        "request",
        method=method,
        route=route,
        status=response.status_code,
        seconds=round(seconds, 4),
    )
