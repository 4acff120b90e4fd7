"""Small real processes for the tests of the embedded servers and their supervisor."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from saas.embedded.account import Account
from saas.embedded.service import Service

NOBODY = Account(uid=65534, gid=65534)


def wait_until(holds: Callable[[], bool], *, seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def shell_service(name: str, script: str, *, folder: Path, **fields: object) -> Service:
    """Declare a shell script as a service that is ready once it has made the file NAME.ready."""
    ready = folder / f"{name}.ready"
    declared: dict[str, object] = {
        "name": name,
        "command": ("/bin/sh", "-c", script),
        "environment": {"PATH": os.defpath},
        "folder": folder,
        "is_ready": lambda _pid: ready.exists(),
        "ready_seconds": 20.0,
        "grace_seconds": 5.0,
    }
    return Service(**(declared | fields))  # type: ignore[arg-type]


@pytest.fixture
def eventually() -> Callable[..., None]:
    return wait_until


@pytest.fixture
def make_service(tmp_path: Path) -> Callable[..., Service]:
    def make(
        name: str, script: str = "touch {}.ready; exec sleep 600", **fields: object
    ) -> Service:
        return shell_service(name, script.replace("{}", name), folder=tmp_path, **fields)

    return make


@pytest.fixture
def nobody() -> Account:
    if os.geteuid() != 0:
        pytest.skip("only root can switch to another account")
    return NOBODY


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every account can reach, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix="shelfwise-open-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)
