"""Keeps uploaded files in the artifact store, where any worker finds them, until they are read."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Self

import structlog
from django.utils import timezone
from ulid import ULID

from engine.files.limits import MAX_FILE_BYTES
from saas.lib.config import config
from saas.lib.errors import ImportTooLarge
from saas.lib.ids import new_ulid

log = structlog.get_logger()

KEPT = timedelta(days=7)
UPLOADS = "imports"
_FILE = "upload"


def upload_path(*, environment_id: int, import_id: str) -> Path:
    """Return where the file of an import lies."""
    return config().artifacts / str(environment_id) / UPLOADS / import_id / _FILE


class Upload:
    """A file on its way from a request into the store; gone at the end unless it was kept.

    Attributes
    ----------
    import_id
        Of the import that it is for.
    digest
        SHA-256 of what was written.
    """

    def __init__(self, *, environment_id: int) -> None:
        self.import_id = new_ulid()
        self._path = upload_path(environment_id=environment_id, import_id=self.import_id)
        self._path.parent.mkdir(parents=True)
        self._file = self._path.open("wb")
        self._digest = sha256()
        self._is_kept = False
        self.bytes = 0

    def write(self, data: bytes) -> None:
        """Append to the file.

        Raises
        ------
        ImportTooLarge
            It is over the limit.
        """
        self.bytes += len(data)
        if self.bytes > MAX_FILE_BYTES:
            raise ImportTooLarge("The file is over 1 GB; send it in several parts.")
        self._digest.update(data)
        self._file.write(data)

    def finish(self) -> bytes:
        """Make the file durable and return its digest."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        return self._digest.digest()

    def keep(self) -> None:
        """Let the file stay; call it before the commit of its import.

        A commit may take place although its answer is lost, and an import needs its file. Where
        it did not take place, the file goes after a week.
        """
        self._is_kept = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Delete the file unless it was kept."""
        self._file.close()
        if not self._is_kept:
            shutil.rmtree(self._path.parent, ignore_errors=True)


def remove_upload(*, environment_id: int, import_id: str) -> None:
    """Delete the file of an import that needs it no longer."""
    path = upload_path(environment_id=environment_id, import_id=import_id)
    shutil.rmtree(path.parent, ignore_errors=True)


def remove_old_uploads() -> int:
    """Delete the files that have lain for a week, such as those of requests that broke off.

    Returns
    -------
    int
        How many imports' files went.
    """
    oldest = timezone.now() - KEPT
    removed = 0
    for folder in config().artifacts.glob(f"*/{UPLOADS}/*"):
        with suppress(ValueError):
            if ULID.from_str(folder.name).datetime < oldest:
                shutil.rmtree(folder, ignore_errors=True)
                removed += 1
    if removed:
        log.info("uploads_removed", count=removed)
    return removed
