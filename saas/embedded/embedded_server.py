"""What the embedded PostgreSQL and Valkey share: a child process and sockets of their own."""

from __future__ import annotations

import shutil
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Self

from saas.embedded.child import Child
from saas.embedded.service import Service
from saas.embedded.socket_folder import socket_folder_for


class EmbeddedServer(ABC):
    """A server in ``folder``, run here or, from its declaration, by the supervisor."""

    def __init__(self, *, folder: Path, data: Path) -> None:
        self.folder = folder
        self._sockets = socket_folder_for(data)
        self._child: Child | None = None

    @abstractmethod
    def prepare(self) -> Service:
        """Make everything ready for the server's start and return its declaration."""

    @abstractmethod
    def _release(self) -> None:
        """Give back what ``prepare`` took beside the process."""

    @property
    def pid(self) -> int | None:
        """The server's process id while it runs."""
        return self._child.pid if self._child else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start the server and return when it answers."""
        service = self.prepare()
        self._child = Child(service=service, log_path=self.folder / f"{service.name}.log")
        try:
            self._child.wait_ready()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop the server, if it runs, and give back what it held."""
        if self._child:
            self._child.stop()
            self._child = None
        self._release()

    def remove_sockets(self) -> None:
        """Remove what a server leaves outside of its folder."""
        shutil.rmtree(self._sockets, ignore_errors=True)
