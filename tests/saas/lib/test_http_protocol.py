"""What is no HTTP at all is answered as every other error is."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn

from saas.lib.http_protocol import ProblemHttpProtocol

PATIENCE_SECONDS = 15
REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n"


async def say_nothing(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body"})


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    server = uvicorn.Server(
        uvicorn.Config(say_nothing, http=ProblemHttpProtocol, lifespan="off", log_config=None)
    )
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, args=[[listener]])
        thread.start()
        yield listener.getsockname()[1]
        server.should_exit = True
        thread.join(PATIENCE_SECONDS)


def ask(port: int, sent: bytes) -> tuple[int, dict[str, str], bytes]:
    """Return the status, the headers and the body of what a raw text is answered with."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS) as client:
        client.sendall(sent)
        answer = b"".join(iter(lambda: client.recv(65_536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    return int(status.split()[1]), headers, body


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01 a TLS greeting\r\n\r\n",
        b"NOT HTTP AT ALL\r\n\r\n",
        REQUEST + b"A header with spaces: x\r\n\r\n",
        REQUEST + b"Content-Length: many\r\n\r\n",
        REQUEST + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n",
    ],
    ids=["tls", "text", "header", "length", "two lengths"],
)
def test_what_cannot_be_read_is_a_problem(port: int, sent: bytes) -> None:
    status, headers, body = ask(port, sent)
    assert status == 400
    assert headers["content-type"] == "application/problem+json"
    assert int(headers["content-length"]) == len(body)
    assert headers["connection"] == "close"
    problem = json.loads(body)
    assert (problem["status"], problem["code"]) == (400, "bad_request")
    assert problem["instance"].lower() == headers["x-request-id"]


def test_what_can_be_read_is_answered_by_the_application(port: int) -> None:
    status, _, _ = ask(port, REQUEST + b"Connection: close\r\n\r\n")
    assert status == 204
