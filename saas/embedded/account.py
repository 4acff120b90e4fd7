"""Decides which system account an embedded server runs as, since PostgreSQL refuses root."""

from __future__ import annotations

import os
import pwd
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Account:
    """A user and group id that a server process is switched to before it starts."""

    uid: int
    gid: int

    def can_reach(self, path: Path) -> bool:
        """Tell whether every folder above ``path`` lets this account pass (mode bits, no ACLs)."""
        return all(self._may_pass(folder) for folder in path.resolve().parents)

    def _may_pass(self, folder: Path) -> bool:
        status = folder.stat()
        if status.st_uid == self.uid:
            return bool(status.st_mode & 0o100)
        if status.st_gid == self.gid:
            return bool(status.st_mode & 0o010)
        return bool(status.st_mode & 0o001)


def server_account(data: Path) -> Account | None:
    """Choose the account for the server whose files lie in ``data``; None means our own.

    As root: whoever owns the data already, else the user behind sudo, else ``nobody``.
    """
    if os.geteuid() != 0:
        return None
    if data.exists() and (owner := data.stat()).st_uid != 0:
        return Account(uid=owner.st_uid, gid=owner.st_gid)
    sudo_uid = int(os.environ.get("SUDO_UID", "0"))
    if sudo_uid:
        return Account(uid=sudo_uid, gid=pwd.getpwuid(sudo_uid).pw_gid)
    nobody = pwd.getpwnam("nobody")
    return Account(uid=nobody.pw_uid, gid=nobody.pw_gid)
