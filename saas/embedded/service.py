"""Declares what the supervisor needs to know of a process: how to start, await and stop it."""

from __future__ import annotations

import http.client
import signal
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from saas.embedded.account import Account


class ServiceFailed(Exception):
    """A service died or did not become ready; the message ends with the last lines of its log."""


@dataclass(frozen=True, kw_only=True)
class Service:
    """One process of the embedded default.

    ``is_ready`` receives the process id and is asked again until it says yes.
    ``environment`` is the whole environment of the process, nothing is inherited.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(repr=False)
    folder: Path
    is_ready: Callable[[int], bool]
    stop_signal: signal.Signals = signal.SIGTERM
    grace_seconds: float = 10.0
    ready_seconds: float = 60.0
    account: Account | None = None


def answers(url: str) -> Callable[[int], bool]:
    """Make a readiness check that holds once ``url`` answers 200."""
    # The caller's http_proxy has no business with our own processes.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def is_ready(_pid: int) -> bool:
        try:
            with opener.open(url, timeout=2) as response:
                return bool(response.status == 200)
        except (urllib.error.URLError, http.client.HTTPException, OSError):
            return False

    return is_ready
