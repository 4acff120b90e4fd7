"""Makes the identifiers that Shelfwise itself hands out."""

from __future__ import annotations

import re

from ulid import ULID

_SAFE_REQUEST_ID = re.compile(r"[A-Za-z0-9._:\-]{1,128}")


def new_ulid() -> str:
    """Return a new ULID: 26 characters that sort by the time they were made."""
    return str(ULID())


def request_id(sent: str | None) -> str:
    r"""Return the caller's request id where it is safe to log and repeat, else a new one.

    >>> request_id("checkout-7")
    'checkout-7'
    >>> request_id("evil\\nline").startswith("req_")
    True
    """
    if sent is not None and _SAFE_REQUEST_ID.fullmatch(sent):
        return sent
    return f"req_{new_ulid()}"
