"""How the local Stripe is served: by uvicorn, whose transport a fault can close."""

from __future__ import annotations

import socket

import uvicorn
from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from billing.local_stripe.server import LocalStripe


class _DroppableProtocol(HttpToolsProtocol):
    """Shows the application its connection, so that a fault can drop it."""

    @override
    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {"transport": {"connection": self.transport}}


def listen(port: int) -> socket.socket:
    """Listen on loopback, without the 40 ms that Nagle's wait and a delayed ACK make together."""
    listener = socket.create_server(("127.0.0.1", port))
    # asyncio sets it on sockets of its own alone; accepted ones inherit it.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def make_server(application: LocalStripe) -> uvicorn.Server:
    """Return a server which is not listening yet."""
    return uvicorn.Server(
        uvicorn.Config(
            application,
            http=_DroppableProtocol,
            lifespan="on",
            access_log=False,
            log_config=None,
            server_header=False,
            timeout_graceful_shutdown=2,
        )
    )
