from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from saas.embedded.valkey import EmbeddedValkey


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedValkey]:
    folder = tmp_path_factory.mktemp("a folder with spaces") / ("long " * 20).strip()
    with EmbeddedValkey(folder=folder) as started:
        started.start()
        yield started


def test_the_port_and_the_socket_lead_to_the_same_server(server: EmbeddedValkey) -> None:
    with redis.Redis.from_url(server.url) as by_port:
        by_port.set("greeting", "hello")
    with redis.Redis.from_url(server.socket_url) as by_socket:
        assert by_socket.get("greeting") == b"hello"


def test_nobody_gets_in_without_the_password(server: EmbeddedValkey) -> None:
    with (
        redis.Redis.from_url(server.url.replace(server.url.split("@")[0], "redis://")) as stranger,
        pytest.raises(redis.AuthenticationError),
    ):
        stranger.ping()


def test_it_refuses_writes_when_full_rather_than_forget_a_task(server: EmbeddedValkey) -> None:
    with redis.Redis.from_url(server.url) as client:
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        assert client.config_get("save") == {"save": ""}


def test_a_server_that_was_never_started_leaves_anothers_socket_alone(
    server: EmbeddedValkey,
) -> None:
    with EmbeddedValkey(folder=server.folder):
        pass

    with redis.Redis.from_url(server.socket_url) as client:
        assert client.ping()


def test_it_starts_again_after_a_stop_and_forgets_everything(server: EmbeddedValkey) -> None:
    with redis.Redis.from_url(server.url) as client:
        client.set("short-lived", "yes")
    server.stop()
    server.start()

    with redis.Redis.from_url(server.url) as client:
        assert client.get("short-lived") is None
