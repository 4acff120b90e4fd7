"""What is not hot, on FastAPI: health and readiness, and a problem for everything unknown."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import orjson
import structlog
from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException

from api.inference.responses import our_fault
from api.inference.runtime import Runtime
from saas.lib.errors import MethodNotAllowed, NotFound, ShelfwiseError
from saas.lib.ids import request_id
from saas.lib.management_server import run_checks, without_details
from saas.lib.problems import CONTENT_TYPE, problem
from tenants.error_reports import report_error

_log = structlog.get_logger()


def create_framework_app(runtime: Runtime) -> FastAPI:
    """Return the FastAPI app; its lifespan starts and stops the runtime."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        runtime.start()
        try:
            yield
        finally:
            await runtime.stop()

    app = FastAPI(lifespan=lifespan, openapi_url=None, docs_url=None, redoc_url=None)

    @app.get("/healthz")
    async def healthz(request: Request) -> Response:
        return _json_response(request, 200, {"status": "alive"})

    @app.get("/readyz")
    async def readyz(request: Request) -> Response:
        ready, rows = run_checks(runtime.checks())
        shown = {"ready": ready, "checks": without_details(rows)}
        return _json_response(request, 200 if ready else 503, shown)

    @app.exception_handler(HTTPException)
    async def refuse(request: Request, error: HTTPException) -> Response:
        return _problem_response(request, _as_error(request, error))

    @app.exception_handler(Exception)
    async def apologise(request: Request, error: Exception) -> Response:
        _log.error("request_failed", path=request.url.path, exc_info=error)
        report_error(error)
        return _problem_response(request, our_fault())

    return app


def _json_response(request: Request, status: int, content: dict[str, object]) -> Response:
    return Response(
        orjson.dumps(content),
        status_code=status,
        media_type="application/json",
        headers={"X-Request-Id": request_id(request.headers.get("x-request-id"))},
    )


def _problem_response(request: Request, error: ShelfwiseError) -> Response:
    own_request_id = request_id(request.headers.get("x-request-id"))
    return Response(
        orjson.dumps(problem(error, instance=own_request_id)),
        status_code=error.status,
        media_type=CONTENT_TYPE,
        headers={**error.headers, "X-Request-Id": own_request_id},
    )


def _as_error(request: Request, error: HTTPException) -> ShelfwiseError:
    path = request.url.path[:100]
    if error.status_code == 405:
        allow = (error.headers or {}).get("Allow", "GET")
        return MethodNotAllowed(
            f"'{path}' takes {allow}, not {request.method[:20]}.", headers={"Allow": allow}
        )
    return NotFound(f"There is no '{path}'.")
