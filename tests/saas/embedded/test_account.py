from __future__ import annotations

import os
from pathlib import Path

import pytest

from saas.embedded.account import Account, server_account


def test_an_ordinary_user_runs_servers_under_their_own_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    assert server_account(tmp_path) is None


def test_root_keeps_to_the_owner_of_existing_data(nobody: Account, tmp_path: Path) -> None:
    os.chown(tmp_path, 4321, 4321)

    assert server_account(tmp_path) == Account(uid=4321, gid=4321)


def test_root_takes_nobody_for_new_data(
    nobody: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SUDO_UID", raising=False)

    assert server_account(tmp_path / "new") == nobody


def test_root_takes_the_user_behind_sudo_for_new_data(
    nobody: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUDO_UID", str(nobody.uid))

    assert server_account(tmp_path / "new") == nobody


@pytest.mark.parametrize(
    ("mode", "uid", "gid", "can_reach"),
    [
        (0o700, 4321, 4321, True),
        (0o700, 1, 4321, False),
        (0o710, 1, 4321, True),
        (0o711, 1, 1, True),
        (0o066, 4321, 4321, False),
    ],
)
def test_a_folder_lets_pass_whom_its_mode_names(
    *, mode: int, uid: int, gid: int, can_reach: bool, nobody: Account, open_folder: Path
) -> None:
    folder = open_folder / "home"
    folder.mkdir()
    os.chown(folder, 4321, 4321)
    folder.chmod(mode)

    assert Account(uid=uid, gid=gid).can_reach(folder / "inside") is can_reach
