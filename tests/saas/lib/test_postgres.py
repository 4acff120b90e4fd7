"""A PostgreSQL host that vanished is noticed within seconds, by every connection that stays."""

from __future__ import annotations

import socket
import struct
import sys
import threading
from collections.abc import Iterator

import pytest
from django.db import connection

from saas.lib.postgres import LIVENESS, connect_for_long

PATIENCE_SECONDS = 15
AUTHENTICATION_OK = b"R" + struct.pack("!ii", 8, 0)
READY_FOR_QUERY = b"Z" + struct.pack("!i", 5) + b"I"


@pytest.fixture
def far_server() -> Iterator[str]:
    """What a client meets until it asks something, over TCP; ours listens on a unix socket."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE_SECONDS)

        def greet() -> None:
            client, _ = listener.accept()
            with client:
                client.settimeout(PATIENCE_SECONDS)
                client.recv(4096)
                client.sendall(AUTHENTICATION_OK + READY_FOR_QUERY)
                client.recv(4096)

        thread = threading.Thread(target=greet)
        thread.start()
        port = listener.getsockname()[1]
        yield f"postgresql://app@127.0.0.1:{port}/shop?sslmode=disable&gssencmode=disable"
        thread.join(PATIENCE_SECONDS)


@pytest.mark.skipif(sys.platform != "linux", reason="other kernels name these options otherwise")
def test_the_kernel_gives_a_silent_server_up_after_some_seconds(far_server: str) -> None:
    with (
        connect_for_long(far_server, name="test", connect_timeout=5) as kept,
        socket.socket(fileno=socket.dup(kept.pgconn.socket)) as own,
    ):
        assert own.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        idle, interval, count = (
            own.getsockopt(socket.IPPROTO_TCP, option)
            for option in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
        )
        # Of an idle connection, and of one that waits for an answer.
        assert idle + interval * count <= 15
        assert own.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) <= 15_000


def test_djangos_connections_notice_it_too() -> None:
    assert connection.settings_dict["OPTIONS"].items() >= LIVENESS.items()
