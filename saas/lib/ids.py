"""Makes the identifiers that Shelfwise itself hands out."""

from __future__ import annotations

import os
import re
import threading
import time
from typing import NamedTuple

# Crockford's, by which a ULID's text sorts as its bytes do; two characters for each 10 bits.
_BASE32 = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = [first + second for first in _BASE32 for second in _BASE32]
_SHIFTS = range(120, -1, -10)
_RANDOM_BYTES = 10

_SAFE_REQUEST_ID = re.compile(r"[A-Za-z0-9._:\-]{1,128}")


class Ulid(NamedTuple):
    """A ULID (github.com/ulid/spec) as text and as 16 bytes, with the time that it carries."""

    text: str
    packed: bytes
    epoch_ms: int


def make_ulid() -> Ulid:
    """Return a new ULID."""
    epoch_ms = time.time_ns() // 1_000_000
    packed = epoch_ms.to_bytes(6, "big") + os.urandom(_RANDOM_BYTES)
    return Ulid(_text(int.from_bytes(packed, "big")), packed, epoch_ms)


def new_ulid() -> str:
    """Return a new ULID: 26 characters that sort in the order in which a process made them."""
    return _in_order.next()


class _InOrder:
    """Makes ULIDs of which a later one of the same millisecond is the greater, as the spec asks."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._epoch_ms = self._value = 0

    def next(self) -> str:
        with self._lock:
            made = make_ulid()
            value = int.from_bytes(made.packed, "big")
            if made.epoch_ms == self._epoch_ms:
                value = max(value, self._value + 1)
            self._epoch_ms, self._value = made.epoch_ms, value
            return _text(value)


def _text(value: int) -> str:
    return "".join([_PAIRS[value >> at & 1023] for at in _SHIFTS])


_in_order = _InOrder()


def request_id(sent: str | None) -> str:
    r"""Return the caller's request id where it is safe to log and repeat, else a new one.

    >>> request_id("checkout-7")
    'checkout-7'
    >>> request_id("evil\\nline").startswith("req_")
    True
    """
    if sent is not None and _SAFE_REQUEST_ID.fullmatch(sent):
        return sent
    return f"req_{make_ulid().text}"
