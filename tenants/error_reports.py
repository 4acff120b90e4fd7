"""Sends what must never happen to Sentry, explicitly, without keys, payloads or frameworks.

The one door to it, for processes with Django and without: Sentry's automatic integrations would
import Django and Celery into serving, and its ASGI middleware costs more than a whole call.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from saas.lib.scrubbing import scrub

# Whatever of a request some library may have attached.
_NEVER_SENT = ("request", "user", "extra")

_capture: Callable[[BaseException], object] | None = None


def configure_error_reports(*, dsn: str | None, process: str) -> None:
    """Switch reports on where there is a DSN; each carries the name of the process."""
    global _capture
    if dsn is None:
        return
    with _without_django():
        # A tenth of a process's start, which only those with a DSN pay.
        import sentry_sdk

        sentry_sdk.init(
            dsn=dsn,
            auto_enabling_integrations=False,
            default_integrations=False,
            include_local_variables=False,
            max_request_body_size="never",
            before_send=_scrubbed,
        )
    sentry_sdk.set_tag("process", process)
    _capture = sentry_sdk.capture_exception


def report_error(error: BaseException) -> None:
    """Report an error that nobody expected; without a DSN this does nothing."""
    if _capture is not None:
        _capture(error)


@contextmanager
def _without_django() -> Iterator[None]:
    """Keep `sentry_sdk.init` from importing Django into a process that has none.

    Since 2.75 it loads its Spotlight module, switched on or not, which imports Django wherever it
    is installed: 150 modules and their memory. A None in `sys.modules` is Python's documented way
    to make an import fail, and the SDK then does without.
    """
    if "django" in sys.modules:
        yield
        return
    sys.modules["django"] = None  # type: ignore[assignment]  # see the import system's reference
    try:
        yield
    finally:
        del sys.modules["django"]


def _scrubbed(event: Any, _hint: dict[str, Any]) -> Any:  # Sentry's own loose type
    return scrub({name: value for name, value in event.items() if name not in _NEVER_SENT})
