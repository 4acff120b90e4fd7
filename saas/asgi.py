"""The web process: recommendation calls go to inference, everything else to Django's WSGI."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog

from api.downloads import send_download
from api.inference.app import AsgiApp, create_app
from api.inference.responses import send_problem
from api.inference.runtime import Runtime
from saas.django_bridge import DjangoBridge
from saas.lib.config import config
from saas.lib.download_links import LINK_PATH
from saas.lib.errors import BadRequest, InternalError
from saas.lib.ids import request_id
from saas.lib.management_server import Check, serve_management
from saas.lib.reachability import postgres_answers, redis_answers
from saas.lib.strict_json import MAX_BODY_BYTES
from saas.probes import PATHS as PROBE_PATHS
from saas.probes import Probes
from saas.wsgi import application as django

# Django's pool has as many connections, so a thread never waits for one.
DJANGO_THREADS = 8
_INFERENCE_PATHS = ("/v1/recommend", "/v1/explain")

log = structlog.get_logger()


class WebApplication:
    """One ASGI callable for the public port."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._inference: AsgiApp = create_app(runtime)
        self._django = DjangoBridge(django, threads=DJANGO_THREADS)
        self._probes = Probes(self.checks())

    def checks(self) -> Mapping[str, Check]:
        """Return what the whole needs in order to answer."""
        return {
            "postgresql": postgres_answers(config().database_url),
            "redis": redis_answers(config().redis_url),
            **self._runtime.checks(),
        }

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Route one connection (ASGI)."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] != "http":
            await send({"type": "websocket.close"})
        elif scope["path"] in PROBE_PATHS:
            await self._probes(scope, receive, send)
        elif scope["path"].startswith(_INFERENCE_PATHS):
            await self._inference(scope, receive, send)
        elif scope["path"].startswith(LINK_PATH):
            await send_download(scope, receive, send)
        else:
            await self._ask_django(scope, receive, send)

    async def _live(self, receive: Any, send: Any) -> None:
        # Django has no lifespan; the serving runtime has its threads.
        await receive()
        self._runtime.start()
        management = serve_management(config().management_port, self.checks())
        await send({"type": "lifespan.startup.complete"})
        await receive()
        if management is not None:
            management.shutdown()
            management.server_close()
        await self._runtime.stop()
        self._django.shutdown()
        await send({"type": "lifespan.shutdown.complete"})

    async def _ask_django(self, scope: Any, receive: Any, send: Any) -> None:
        if not scope["query_string"].isascii():
            error = BadRequest("The query is not ASCII; percent-encode it.")
            await send_problem(send, error, request_id=_request_id(scope))
            return
        received = await _received(scope, receive)
        if received is None:
            return
        has_started = False

        async def send_noting(message: Any) -> None:
            nonlocal has_started
            has_started = True
            await send(message)

        try:
            await self._django(scope, receive, send_noting, received=received)
        except Exception:  # the process's edge: Django answers its own errors
            identifier = _request_id(scope)
            log.exception("request_failed", request_id=identifier)
            if has_started:
                raise
            failed = InternalError("Something failed on our side; send us the request id.")
            await send_problem(send, failed, request_id=identifier)


def _request_id(scope: Any) -> str:
    sent = dict(scope["headers"]).get(b"x-request-id")
    return request_id(sent.decode("latin-1") if sent else None)


async def _received(scope: Any, receive: Any) -> list[Any] | None:
    """Return the messages of a body, so that no thread waits for a slow client.

    None where the client left; a body over the limit is handed on as it comes.
    """
    if int(dict(scope["headers"]).get(b"content-length", 0)) > MAX_BODY_BYTES:
        return []
    messages = []
    size = 0
    while size <= MAX_BODY_BYTES:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        messages.append(message)
        size += len(message.get("body", b""))
        if not message.get("more_body", False):
            break
    return messages


application = WebApplication(Runtime(config()))
