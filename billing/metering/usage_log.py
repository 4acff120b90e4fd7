"""The usage log: where a serving process keeps each answered call before the answer leaves."""

from __future__ import annotations

import fcntl
import os
import threading
import weakref
from typing import TYPE_CHECKING

import structlog

from billing.metering.record import RECORD_BYTES, UsageRecord, encode
from saas.lib.ids import new_ulid

if TYPE_CHECKING:
    from pathlib import Path

LOG_SUFFIX = ".usage"
# 1,048,576 calls; small enough to ship and drop, large enough to be rare.
ROTATE_BYTES = 64 * 1024 * 1024
# What a power loss may cost; a killed process loses nothing, its writes are the kernel's already.
SYNC_SECONDS = 0.1

# macOS has no fdatasync.
_sync = getattr(os, "fdatasync", os.fsync)
_NO_FILE = -1
_logs: weakref.WeakSet[UsageLog] = weakref.WeakSet()
_log = structlog.get_logger()


class UsageLog:
    """An append-only file of usage records, a new one for each process and each 64 MiB.

    The file is opened by the first append, so after any fork, and locked as long as its writer
    lives: an unlocked file is finished. `source` (the host) begins each file's name.
    """

    _lock: threading.Lock
    _stop: threading.Event
    _syncer: threading.Thread | None
    _descriptor: int
    _finished: list[int]
    _name: str
    _size: int
    _is_torn: bool

    def __init__(self, folder: Path, source: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.recorded = 0
        self.unrecorded = 0
        self.failed_syncs = 0
        self._folder = folder
        self._source = source
        self._is_closed = False
        self._forget_file()
        _logs.add(self)

    def append(
        self,
        *,
        call_id: bytes,
        environment_id: int,
        units: int,
        operation: int,
        flags: int,
        at_ms: int,
        took_step: int = 0,
        key_tag: int = 0,
        placement_tag: int = 0,
    ) -> bool:
        """Keep one call; False when the disk refused it, so that it is served and never billed."""
        with self._lock:
            try:
                if self._size >= ROTATE_BYTES or self._descriptor == _NO_FILE:
                    self._open_next_file()
                data = encode(
                    UsageRecord(
                        self._size // RECORD_BYTES + 1,
                        at_ms,
                        environment_id,
                        call_id,
                        units,
                        operation,
                        flags,
                        took_step,
                        key_tag,
                        placement_tag,
                    )
                )
                self._write(data)
            except OSError as error:
                self.unrecorded += 1
                self._report_refusal(error)
                return False
            self.recorded += 1
            self._is_dirty = True
            self._is_refused = False
            return True

    @property
    def name(self) -> str:
        """The file that calls are kept in now; empty before the first one."""
        return self._name

    def close(self) -> None:
        """Bring everything to the disk and release the file; what comes later is unrecorded."""
        with self._lock:
            self._is_closed = True
            syncer, self._syncer = self._syncer, None
        self._stop.set()
        if syncer is not None:
            syncer.join()
        with self._lock:
            if self._descriptor != _NO_FILE:
                self._finished.append(self._descriptor)
                self._descriptor = _NO_FILE
        self._sync_now()

    def _write(self, data: bytes) -> None:
        if self._is_torn:
            self._cut_torn_record()
        written = os.write(self._descriptor, data)
        if written == RECORD_BYTES:
            self._size += RECORD_BYTES
            return
        # A disk that fills up takes a part: cut it off, or it would shift every later record.
        self._is_torn = True
        self._cut_torn_record()
        raise OSError(f"{written} of {RECORD_BYTES} bytes were written.")

    def _cut_torn_record(self) -> None:
        os.ftruncate(self._descriptor, self._size)
        self._is_torn = False

    def _open_next_file(self) -> None:
        if self._is_closed:
            raise OSError("The usage log is closed.")
        name = f"{self._source}-{new_ulid()}{LOG_SUFFIX}"
        descriptor = _create_locked(self._folder / name)
        if self._descriptor != _NO_FILE:
            self._finished.append(self._descriptor)
        self._descriptor, self._size, self._is_torn = descriptor, 0, False
        self._name = name
        self._is_name_dirty = True
        if self._syncer is None:
            self._syncer = threading.Thread(
                target=self._keep_syncing, name="usage-sync", daemon=True
            )
            self._syncer.start()

    def _report_refusal(self, error: OSError) -> None:
        # Once for each time the disk begins to refuse: a full disk meets every call.
        if not self._is_refused:
            _log.error("usage_unrecorded", unrecorded=self.unrecorded, error=str(error))
        self._is_refused = True

    def _keep_syncing(self) -> None:
        while not self._stop.wait(SYNC_SECONDS):
            self._sync_now()

    def _sync_now(self) -> None:
        with self._lock:
            finished, self._finished = self._finished, []
            dirty = [self._descriptor] if self._is_dirty and self._descriptor != _NO_FILE else []
            is_name_dirty = self._is_name_dirty
            self._is_dirty = self._is_name_dirty = False
        try:
            for descriptor in [*finished, *dirty]:
                _sync(descriptor)
            if is_name_dirty:
                _sync_folder(self._folder)
        except OSError as error:
            self.failed_syncs += 1
            _log.error("usage_sync_failed", error=str(error))
        for descriptor in finished:
            os.close(descriptor)

    def _forget_file(self) -> None:
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._syncer = None
        self._descriptor = _NO_FILE
        self._name = ""
        self._finished = []
        self._size = 0
        self._is_torn = self._is_dirty = self._is_name_dirty = self._is_refused = False

    def _leave_to_parent(self) -> None:
        """Give up the files inherited by a fork: two writers would use a sequence number twice."""
        inherited = [*self._finished, self._descriptor]
        self._forget_file()
        for descriptor in inherited:
            if descriptor != _NO_FILE:
                os.close(descriptor)


def _create_locked(path: Path) -> int:
    """Make the file and lock it before it has its name: the shipper takes unlocked for finished."""
    hidden = path.with_suffix(".new")
    descriptor = os.open(hidden, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o640)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        hidden.rename(path)
    except OSError:
        os.close(descriptor)
        hidden.unlink(missing_ok=True)
        raise
    return descriptor


def _sync_folder(folder: Path) -> None:
    """Make a new name survive a power loss."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _leave_logs_to_parent() -> None:
    for log in list(_logs):
        log._leave_to_parent()


os.register_at_fork(after_in_child=_leave_logs_to_parent)
