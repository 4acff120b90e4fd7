from __future__ import annotations

import socket

import pytest

from saas.embedded.ports import free_port, free_port_from, public_port


def test_a_taken_port_is_passed_over() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        assert free_port_from(port) > port


def test_a_free_port_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    monkeypatch.setenv("SHELFWISE_PORT", str(port))

    assert public_port() == port


def test_running_out_of_ports_names_the_way_out() -> None:
    with pytest.raises(OSError, match="SHELFWISE_PORT"):
        free_port_from(65_536)
