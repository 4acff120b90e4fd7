"""Files that a store may fetch for a while, and links that open one without a credential.

A job writes the file at `Download.path`; an answer of the API hands out `link_to(download)`; the
web process opens what `download_of(token)` names. Whoever holds a link may fetch its one file, so
a link is short-lived, and each look at the object that it belongs to makes a new one.
"""

from __future__ import annotations

import hashlib
import shutil
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jwt
from ulid import ULID

from saas.lib.config import config

# The folder of an environment's artifacts that holds its downloads.
DOWNLOADS = "downloads"
LINK_PATH = "/v1/downloads/"
KEPT = timedelta(days=3)
LINK_LIVES = timedelta(hours=1)
_AUDIENCE = "shelfwise-download"
_ALGORITHM = "HS256"


@dataclass(frozen=True, slots=True)
class Download:
    """A file in an environment's part of the artifact store.

    Attributes
    ----------
    environment_id
        Whose it is.
    id
        A ULID, made when the file was asked for: its time says when the file goes.
    name
        What a browser saves it as, such as "items.csv"; the folder is its own.
    """

    environment_id: int
    id: str
    name: str

    @property
    def path(self) -> Path:
        """Return where the file lies; write beside it and rename, so that it is whole."""
        return config().artifacts / str(self.environment_id) / DOWNLOADS / self.id / self.name

    @property
    def kept_until(self) -> datetime:
        """Return when the file goes."""
        return ULID.from_str(self.id).datetime.astimezone(UTC) + KEPT


@dataclass(frozen=True, slots=True)
class DownloadLink:
    """A path of the web process that opens a file until it expires."""

    path: str
    expires_at: datetime


def link_to(download: Download, *, now: datetime) -> DownloadLink:
    """Return a new link to a file, which ends with the file at the latest."""
    expires_at = min(now + LINK_LIVES, download.kept_until).replace(microsecond=0)
    token = jwt.encode(
        {
            "aud": _AUDIENCE,
            "exp": expires_at,
            "env": download.environment_id,
            "file": f"{download.id}/{download.name}",
        },
        _signing_key(),
        algorithm=_ALGORITHM,
    )
    return DownloadLink(path=LINK_PATH + token, expires_at=expires_at)


def download_of(token: str) -> Download | None:
    """Return the file that a link's last part opens; None where it is expired or not ours."""
    try:
        claims = jwt.decode(
            token,
            _signing_key(),
            algorithms=[_ALGORITHM],
            audience=_AUDIENCE,
            options={"require": ["aud", "exp", "env", "file"]},
        )
    except jwt.InvalidTokenError:
        return None
    download_id, _, name = claims["file"].partition("/")
    return Download(environment_id=claims["env"], id=download_id, name=name)


def remove_old_downloads() -> int:
    """Delete the files whose time is over, with what broken-off jobs left beside them.

    Returns
    -------
    int
        How many folders went.
    """
    oldest = datetime.now(UTC) - KEPT
    removed = 0
    for folder in config().artifacts.glob(f"*/{DOWNLOADS}/*"):
        with suppress(ValueError):
            if ULID.from_str(folder.name).datetime < oldest:
                shutil.rmtree(folder, ignore_errors=True)
                removed += 1
    return removed


def _signing_key() -> bytes:
    # A key of their own, so that nothing else that the secret signs is ever taken for a link.
    return hashlib.blake2b(config().secret_key.encode(), person=b"download links").digest()
