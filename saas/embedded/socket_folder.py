"""Gives the embedded servers a short private folder for their sockets, whatever the data's path."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from saas.embedded.account import Account

# A socket's path must fit in 103 bytes (macOS) or 107 (Linux); TMPDIR may be long, /tmp is not.
_BASE = Path("/tmp")  # noqa: S108


def socket_folder_for(data: Path) -> Path:
    """Name the socket folder of the server whose files lie in ``data``: the same at each start."""
    digest = hashlib.sha256(os.fsencode(data.resolve())).hexdigest()[:12]
    return _BASE / f"shelfwise-{digest}"


def make_socket_folder(folder: Path, *, account: Account | None) -> None:
    """Create ``folder`` open to ``account`` alone; refuse one that somebody else made before us."""
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    owners = {os.geteuid(), account.uid if account else os.geteuid()}
    if status.st_uid not in owners or status.st_mode & 0o077:
        raise PermissionError(
            f"The socket folder '{folder}' belongs to somebody else; remove it and start again."
        )
    if account:
        os.chown(folder, account.uid, account.gid)
