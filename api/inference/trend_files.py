"""Reads what rises in each store from the file beside its models, when a worker replaces it."""

from __future__ import annotations

from pathlib import Path

import structlog
from msgspec import DecodeError

from saas.lib.trends import TRENDS, Trends, read_trends

NO_TRENDS = Trends(last_event_id=0, rising={})
# A file's time and size: it is replaced whole.
_Signature = tuple[int, int] | None

_log = structlog.get_logger()


class TrendFiles:
    """The artifact folder's trends; a look costs one stat while nothing has changed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[int, tuple[_Signature, Trends]] = {}

    def of(self, environment_id: int) -> Trends:
        """Return what rises in an environment; nothing where nobody has counted yet."""
        folder = self._folder / str(environment_id)
        signature = _signature(folder / TRENDS)
        before, trends = self._read.get(environment_id, (None, NO_TRENDS))
        if signature != before:
            try:
                trends = read_trends(folder) or NO_TRENDS
            except (OSError, DecodeError) as error:
                # The last known stay until the worker writes the next.
                _log.error("trends_unread", environment=environment_id, reason=str(error))
            self._read[environment_id] = (signature, trends)
        return trends

    def forget(self, environment_id: int) -> None:
        """Keep nothing of an environment that is not served any more."""
        self._read.pop(environment_id, None)


def _signature(path: Path) -> _Signature:
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size
