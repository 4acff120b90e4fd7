"""What is not hot, on FastAPI: health and readiness, and a problem for everything unknown."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import orjson
from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException

from api.inference.runtime import Runtime
from saas.lib.errors import MethodNotAllowed, NotFound, ShelfwiseError
from saas.lib.ids import request_id
from saas.lib.management_server import run_checks
from saas.lib.problems import CONTENT_TYPE, problem


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
    async def healthz() -> dict[str, str]:
        return {"status": "alive"}

    @app.get("/readyz")
    async def readyz() -> Response:
        ready, rows = run_checks(runtime.checks())
        body = orjson.dumps({"ready": ready, "checks": rows})
        return Response(body, status_code=200 if ready else 503, media_type="application/json")

    @app.exception_handler(HTTPException)
    async def refuse(request: Request, error: HTTPException) -> Response:
        own_request_id = request_id(request.headers.get("x-request-id"))
        own = _as_error(request, error)
        return Response(
            orjson.dumps(problem(own, instance=own_request_id)),
            status_code=own.status,
            media_type=CONTENT_TYPE,
            headers={**own.headers, "X-Request-Id": own_request_id},
        )

    return app


def _as_error(request: Request, error: HTTPException) -> ShelfwiseError:
    path = request.url.path[:100]
    if error.status_code == 405:
        allow = (error.headers or {}).get("Allow", "GET")
        return MethodNotAllowed(
            f"'{path}' takes {allow}, not {request.method[:20]}.", headers={"Allow": allow}
        )
    return NotFound(f"There is no '{path}'.")
