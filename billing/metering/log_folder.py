"""The usage log folder as the shipper sees it: what is there, what is finished, what may go."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from typing import TYPE_CHECKING

from billing.metering.usage_log import LOG_SUFFIX

if TYPE_CHECKING:
    from pathlib import Path

SHIPPED_SUFFIX = ".shipped"
# Holds bytes that were never billed, for a person to look at; nothing removes it.
DAMAGED_SUFFIX = ".damaged"
# Long enough to ship again by hand what a restored database has lost.
KEEP_SHIPPED_SECONDS = 7 * 24 * 3600


def usage_logs(folder: Path) -> dict[Path, int]:
    """Return the logs that may hold unshipped calls, oldest name first, with their sizes."""
    sizes: dict[Path, int] = {}
    for path in sorted(folder.glob(f"*{LOG_SUFFIX}")):
        with suppress(FileNotFoundError):  # another shipper has just put it away
            sizes[path] = path.stat().st_size
    return sizes


def is_finished(path: Path) -> bool:
    """Whether no process writes here any more: the kernel drops a dead writer's lock."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    else:
        return True
    finally:
        os.close(descriptor)


def put_away(path: Path, *, is_damaged: bool) -> None:
    """Take a finished and wholly shipped log out of the shipper's sight."""
    suffix = DAMAGED_SUFFIX if is_damaged else SHIPPED_SUFFIX
    with suppress(FileNotFoundError):  # another shipper was faster
        path.rename(path.with_name(path.name + suffix))


def remove_old_shipped(folder: Path, *, now: float) -> None:
    """Remove logs that were put away long ago; a rename moves a file's ctime."""
    for path in folder.glob(f"*{LOG_SUFFIX}{SHIPPED_SUFFIX}"):
        with suppress(FileNotFoundError):  # another shipper was faster
            if now - path.stat().st_ctime > KEEP_SHIPPED_SECONDS:
                path.unlink()
