"""Sends what must never happen to Sentry, explicitly, without keys, payloads or frameworks.

Sentry's automatic integrations would import Django and Celery into this process, and its ASGI
middleware costs more than a whole recommendation call.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sentry_sdk

_SECRETS = re.compile(
    r"[sp]k_(?:live|test)_[0-9A-Za-z]+"  # API keys
    r"|eyJ[\w-]+\.[\w-]+\.[\w-]+"  # JWTs
    r"|(?<=://)[^\s/@]+@"  # user and password of a URL
)
_FILTERED = "[filtered]"
# Whatever of a request some library may have attached.
_NEVER_SENT = ("request", "user", "extra")


def configure_error_reports(dsn: str | None) -> None:
    """Switch reports on where there is a DSN."""
    if dsn is None:
        return
    with _without_django():
        sentry_sdk.init(
            dsn=dsn,
            auto_enabling_integrations=False,
            default_integrations=False,
            include_local_variables=False,
            max_request_body_size="never",
            before_send=scrub,
        )
    sentry_sdk.set_tag("process", "inference")


@contextmanager
def _without_django() -> Iterator[None]:
    """Keep `sentry_sdk.init` from importing Django.

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


def report_error(error: BaseException) -> None:
    """Report an error that nobody expected; without a DSN this does nothing."""
    sentry_sdk.capture_exception(error)


def scrub(event: Any, _hint: dict[str, Any]) -> Any:  # Sentry's own loose type
    """Return the event without anything of a request, and with every secret's text replaced."""
    return _without_secrets({k: v for k, v in event.items() if k not in _NEVER_SENT})


def _without_secrets(value: Any) -> Any:  # any JSON value
    if isinstance(value, str):
        return _SECRETS.sub(_FILTERED, value)
    if isinstance(value, dict):
        return {key: _without_secrets(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_without_secrets(each) for each in value]
    return value
