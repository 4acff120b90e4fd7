"""A Redis that is away costs a request little, and its return is noticed."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import RedisError

from saas.embedded.valkey import EmbeddedValkey
from saas.lib import redis_client as module
from saas.lib.redis_client import client_of


@pytest.fixture
def silent_server() -> Iterator[socket.socket]:
    """The kernel accepts what connects; nobody ever says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        yield listener


def connections(server: socket.socket) -> int:
    """Return how many have connected since last asked."""
    count = 0
    while True:
        try:
            server.accept()[0].close()
        except BlockingIOError:
            return count
        count += 1


def client(server: socket.socket) -> Redis:
    return client_of(f"redis://127.0.0.1:{server.getsockname()[1]}/0")


def test_a_silent_server_is_waited_for_once_in_a_while(
    silent_server: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr(module, "monotonic", lambda: now)
    asking = client(silent_server)
    with pytest.raises(RedisError):
        asking.ping()
    assert connections(silent_server) > 0
    for _ in range(20):
        with pytest.raises(RedisError):
            asking.ping()
    assert connections(silent_server) == 0
    now += module.REST_SECONDS
    with pytest.raises(RedisError):
        asking.ping()
    assert connections(silent_server) > 0


def test_a_server_that_started_again_is_asked_over_a_new_connection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr(module, "monotonic", lambda: now)
    with EmbeddedValkey(folder=tmp_path) as server:
        server.start()
        asking = client_of(server.socket_url)
        assert asking.ping()
        server.stop()
        with pytest.raises(RedisError):
            asking.ping()
        server.start()
        now += module.REST_SECONDS
        assert asking.ping()
        server.stop()
        server.start()
        # A connection that died in between costs no failed call.
        assert asking.ping()
        asking.close()
