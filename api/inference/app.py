"""The serving application: a bare ASGI callable for the calls, a FastAPI app behind it.

Routing and validating in the framework costs more than a whole recommendation, so it carries only
what is not hot.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from api.inference import responses
from api.inference.answering import OPERATIONS
from api.inference.call import BATCH, EXPLAIN, handle_call
from api.inference.framework import create_framework_app
from api.inference.responses import Send, send_preflight, send_problem
from api.inference.runtime import Runtime
from saas.lib.errors import MethodNotAllowed, NotFound
from saas.lib.ids import request_id as accepted_request_id

AsgiApp = Callable[[Any, Any, Any], Awaitable[None]]

_OURS = ("/v1/recommend", "/v1/explain")
_OPERATION_AT = {
    **{f"/v1/recommend/{operation}": operation for operation in OPERATIONS},
    "/v1/recommend:batch": BATCH,
    "/v1/explain": EXPLAIN,
}


def create_app(runtime: Runtime) -> AsgiApp:
    """Return the ASGI callable; whoever mounts it starts and stops the runtime, or sends lifespan.

    Parameters
    ----------
    runtime
        Started by the ASGI lifespan where the server sends one; a composing application that
        keeps the lifespan to itself calls `Runtime.start` and `Runtime.stop`.
    """
    framework = create_framework_app(runtime)

    async def application(scope: Any, receive: Any, send: Any) -> None:  # ASGI
        if scope["type"] == "http" and scope["path"].startswith(_OURS):
            await _dispatch(runtime, scope, receive, send)
        else:
            await framework(scope, receive, send)

    return application


async def _dispatch(runtime: Runtime, scope: Any, receive: Any, send: Send) -> None:
    headers = dict(scope["headers"])
    request_id = _request_id(headers)
    path: str = scope["path"]
    operation = _OPERATION_AT.get(path)
    if operation is None:
        error = NotFound(f"There is no '{path[:100]}'; known are {', '.join(OPERATIONS)}.")
        await send_problem(send, error, request_id=request_id)
    elif scope["method"] == "POST":
        await handle_call(
            runtime,
            operation,
            headers=headers,
            address=scope["client"][0] if scope.get("client") else "",
            request_id=request_id,
            receive=receive,
            send=send,
        )
    elif scope["method"] == "OPTIONS" and b"origin" in headers:
        await send_preflight(send, origin=headers[b"origin"], request_id=request_id)
    else:
        refused = MethodNotAllowed(
            f"'{path}' takes POST, not {scope['method'][:20]}.", headers={"Allow": "POST, OPTIONS"}
        )
        await send_problem(
            send,
            refused,
            request_id=request_id,
            headers=responses.page_headers(headers.get(b"origin")),
        )


def _request_id(headers: dict[bytes, bytes]) -> str:
    sent = headers.get(b"x-request-id")
    return accepted_request_id(sent.decode("latin-1") if sent is not None else None)
