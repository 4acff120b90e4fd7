"""Runs the web process: one application on the public port and, where asked, on further ones."""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import socket
from typing import TYPE_CHECKING

from saas.lib.process_start import starting

if TYPE_CHECKING:
    import uvicorn


def main() -> None:
    """Serve until SIGTERM; requests under way are answered first."""
    os.environ.setdefault("SHELFWISE_PROCESS", "web")
    arguments = _arguments()
    with starting():
        server = _server()
    # The collector is kept to what requests make (a request is a tenth cheaper, measured).
    gc.set_threshold(50_000, 20, 50)
    sockets = [_listen(arguments.host, port) for port in arguments.ports]
    with asyncio.Runner(loop_factory=server.config.get_loop_factory()) as runner:
        runner.run(server.serve(sockets=sockets))


def _server() -> uvicorn.Server:
    import uvicorn

    from saas.lib.http_protocol import SERVER_OPTIONS

    config = uvicorn.Config("saas.asgi:application", **SERVER_OPTIONS)
    config.load()
    return uvicorn.Server(config)


def _listen(host: str, port: int) -> socket.socket:
    return socket.create_server((host, port), backlog=2048)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m saas.web")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--ports", type=_ports, required=True, help="8000,8002,8003")
    return parser.parse_args()


def _ports(text: str) -> list[int]:
    return [int(port) for port in text.split(",")]


if __name__ == "__main__":
    main()
