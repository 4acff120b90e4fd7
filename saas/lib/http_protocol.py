"""The HTTP of both public ports: uvicorn's, but that what it cannot read is a problem, too."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import orjson
from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from saas.lib.errors import BadRequest
from saas.lib.ids import request_id
from saas.lib.problems import CONTENT_TYPE, problem


class ProblemHttpProtocol(HttpToolsProtocol):
    """Answers in problem+json where there is no request that an application could answer."""

    @override
    def send_400_response(self, msg: str) -> None:
        identifier = request_id(None)
        error = BadRequest("This is no HTTP request; send one as RFC 9112 says.")
        body = orjson.dumps(problem(error, instance=identifier))
        head = [
            b"HTTP/1.1 400 Bad Request",
            *(b"%s: %s" % header for header in self.server_state.default_headers),
            b"content-type: " + CONTENT_TYPE.encode(),
            b"content-length: %d" % len(body),
            b"x-request-id: " + identifier.encode(),
            b"connection: close",
        ]
        self.transport.write(b"\r\n".join([*head, b"", body]))
        self.transport.close()


# How uvicorn runs both.
SERVER_OPTIONS: Mapping[str, Any] = MappingProxyType(
    {
        "loop": "uvloop",
        "http": ProblemHttpProtocol,
        "lifespan": "on",
        "access_log": False,
        "log_config": None,
        "server_header": False,
        "timeout_graceful_shutdown": 10,
    }
)
