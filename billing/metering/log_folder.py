"""The usage log folder as the shipper sees it: what is there, what is finished, what may go."""

from __future__ import annotations

import fcntl
import gzip
import os
import shutil
from contextlib import suppress
from typing import TYPE_CHECKING

from billing.metering.usage_log import LOG_SUFFIX

if TYPE_CHECKING:
    from pathlib import Path

SHIPPED_SUFFIX = ".shipped"
COMPRESSED_SUFFIX = ".shipped.gz"
# Holds bytes that were never billed, for a person to look at; nothing removes it.
DAMAGED_SUFFIX = ".damaged"
# Long enough to ship again by hand what a restored database has lost.
KEEP_SHIPPED_SECONDS = 7 * 24 * 3600
# A person who looks for a fresh fault finds plain records.
COMPRESS_AFTER_SECONDS = 3600
# Leaves a quarter; the next levels cost four times as much for another percent.
_LEVEL = 1


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


def compress_oldest(folder: Path, *, now: float) -> None:
    """Compress one log that was put away a while ago: one in a round, lest shipping wait."""
    for path in sorted(folder.glob(f"*{LOG_SUFFIX}{SHIPPED_SUFFIX}")):
        with suppress(FileNotFoundError):  # another shipper was faster
            if now - path.stat().st_ctime < COMPRESS_AFTER_SECONDS:
                continue
            unfinished = path.with_name(f"{path.name}.{os.getpid()}.part")
            with (
                path.open("rb") as plain,
                unfinished.open("wb") as file,
                gzip.GzipFile(fileobj=file, mode="wb", compresslevel=_LEVEL) as packed,
            ):
                shutil.copyfileobj(plain, packed)
            unfinished.replace(path.with_name(path.name + ".gz"))
            path.unlink()
            return


def bring_back(folder: Path, name: str) -> bool:
    """Put a log where it is shipped from once more; False where this host has none such."""
    place = folder / name
    packed = folder / (name + COMPRESSED_SUFFIX)
    for suffix in (SHIPPED_SUFFIX, DAMAGED_SUFFIX):
        with suppress(FileNotFoundError):
            place.with_name(name + suffix).rename(place)
            return True
    with suppress(FileNotFoundError):
        unfinished = place.with_name(f"{name}.part")
        with gzip.open(packed, "rb") as file, unfinished.open("wb") as plain:
            shutil.copyfileobj(file, plain)
        unfinished.replace(place)
        packed.unlink()
        return True
    return False


def remove_old_shipped(folder: Path, *, now: float) -> None:
    """Remove logs that were put away long ago; a rename moves a file's ctime."""
    for suffix in (SHIPPED_SUFFIX, COMPRESSED_SUFFIX):
        for path in folder.glob(f"*{LOG_SUFFIX}{suffix}"):
            with suppress(FileNotFoundError):  # another shipper was faster
                if now - path.stat().st_ctime > KEEP_SHIPPED_SECONDS:
                    path.unlink()
