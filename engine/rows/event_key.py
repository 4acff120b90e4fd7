"""Names events, so that one that is sent twice is stored once."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

import orjson

KEY_BYTES = 16
# The public name of an event that came without an id.
_NAMED_BY_US = re.compile(r"evt_([0-9a-f]{32})")


def key_of_id(event_id: str) -> bytes:
    """Return the key of an event id: the store's own, or one that we made up for it.

    >>> key_of_id("evt_" + "0a" * 16).hex() == "0a" * 16
    True
    """
    if event_id.startswith("evt_") and (named := _NAMED_BY_US.fullmatch(event_id)):
        return bytes.fromhex(named.group(1))
    return blake2b(event_id.encode(), digest_size=KEY_BYTES, person=b"event id").digest()


def id_of_key(key: bytes) -> str:
    """Return the public name of an event that came without an id."""
    return f"evt_{key.hex()}"


def event_key_of(
    row: Mapping[str, Any], *, event_id: str | None, has_time: bool
) -> tuple[bytes, bytes]:
    """Return what an event is called and the digest of what it says, as it was sent.

    Parameters
    ----------
    event_id
        The sender's id, where there is one.
    has_time
        Whether the event says when it happened. Without an id and a time nothing tells a repeat
        from a second event, so that each is one of its own.
    """
    digest = blake2b(orjson.dumps(row, option=orjson.OPT_SORT_KEYS), digest_size=KEY_BYTES).digest()
    if event_id is not None:
        return key_of_id(event_id), digest
    return digest if has_time else secrets.token_bytes(KEY_BYTES), digest


def nth_key(key: bytes, ordinal: int) -> bytes:
    """Return the key of the nth of equal events in one request (0: the key itself).

    >>> nth_key(b"k", 0), nth_key(b"k", 1) == nth_key(b"k", 2)
    (b'k', False)
    """
    if ordinal == 0:
        return key
    return blake2b(key + ordinal.to_bytes(4, "big"), digest_size=KEY_BYTES).digest()
