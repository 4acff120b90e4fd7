"""Finds loopback ports that are really free."""

from __future__ import annotations

import os
import socket

_LAST_PORT = 65535


def free_port() -> int:
    """Return a free loopback port that the system chooses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def public_port() -> int:
    """Return the port for customers: SHELFWISE_PORT or 8000, or the next free one."""
    return free_port_from(int(os.environ.get("SHELFWISE_PORT") or 8000))


def free_port_from(first: int) -> int:
    """Return ``first`` or the next port above it that nobody listens on."""
    for port in range(first, _LAST_PORT + 1):
        with socket.socket() as probe:
            # As servers do, so that a connection in TIME_WAIT does not make the port look taken.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise OSError(
        f"No port from {first} to {_LAST_PORT} is free; set SHELFWISE_PORT to a lower one."
    )
