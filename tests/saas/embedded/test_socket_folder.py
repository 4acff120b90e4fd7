from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from saas.embedded.account import Account
from saas.embedded.socket_folder import make_socket_folder, socket_folder_for


def test_the_longest_data_path_gives_a_short_socket_path(tmp_path: Path) -> None:
    folder = socket_folder_for(tmp_path / ("x" * 200))

    assert len(str(folder / ".s.PGSQL.5432.lock")) <= 103
    assert folder != socket_folder_for(tmp_path / ("y" * 200))


def test_it_is_open_to_its_account_alone(nobody: Account, tmp_path: Path) -> None:
    folder = tmp_path / "sockets"
    make_socket_folder(folder, account=nobody)

    status = folder.stat()
    assert (stat.S_IMODE(status.st_mode), status.st_uid) == (0o700, nobody.uid)


def test_a_folder_of_somebody_else_is_refused(nobody: Account, tmp_path: Path) -> None:
    folder = tmp_path / "sockets"
    folder.mkdir(mode=0o700)
    os.chown(folder, 4321, 4321)

    with pytest.raises(PermissionError, match="belongs to somebody else"):
        make_socket_folder(folder, account=nobody)


def test_a_link_planted_in_its_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    (tmp_path / "sockets").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(PermissionError, match="belongs to somebody else"):
        make_socket_folder(tmp_path / "sockets", account=None)
