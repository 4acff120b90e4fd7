"""What rises in a store, as a file beside its models: written by a worker, read by serving.

It is made anew within the hour, so a lost one is no loss.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

TRENDS = "trends.msgpack"


class Trends(msgspec.Struct, frozen=True):
    """The rising items of each window, steepest first, and how far the events had been read.

    Attributes
    ----------
    last_event_id
        The newest line's; with no newer one there is nothing to count.
    rising
        By window: item ids and how much each rises, above 0.
    """

    last_event_id: int
    rising: Mapping[str, list[tuple[str, float]]]


def write_trends(folder: Path, trends: Trends) -> None:
    """Replace the file beside an environment's models."""
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / f"{TRENDS}.part"
    temporary.write_bytes(msgspec.msgpack.encode(trends))
    temporary.replace(folder / TRENDS)


def read_trends(folder: Path) -> Trends | None:
    """Return what the file beside an environment's models says; None where there is none.

    Raises
    ------
    msgspec.DecodeError
        It is no such file.
    """
    try:
        content = (folder / TRENDS).read_bytes()
    except FileNotFoundError:
        return None
    return msgspec.msgpack.decode(content, type=Trends)
