from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from saas.embedded.ports import free_port
from saas.embedded.service import answers


@pytest.mark.parametrize(("status", "is_ready"), [(200, True), (503, False)])
def test_a_service_is_ready_when_its_url_answers_200(
    *, status: int, is_ready: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()

        assert answers(f"http://127.0.0.1:{server.server_port}/readyz")(1) is is_ready
        thread.join()


def test_a_port_where_nobody_listens_is_not_ready() -> None:
    assert not answers(f"http://127.0.0.1:{free_port()}/readyz")(1)
