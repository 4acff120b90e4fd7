"""What ingestion and serving know of erased shoppers: digests of their keys, and times.

A digest is keyed with the name of the environment's schema: two stores' digests cannot be compared,
and none tells an id. The key must never change, or old events would come back, so it is none of
the secrets that operators rotate; who has the database and a guess can test the guess.

Models hold histories, so the digests lie beside them, too: a process that opens a model while
PostgreSQL is away knows what not to serve from it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path

import msgspec

DIGEST_BYTES = 16
ERASURES = "erasures.msgpack"


class Erasure(msgspec.Struct, frozen=True, array_like=True):
    """What was done under a key in a span of time (epoch milliseconds) was erased.

    Attributes
    ----------
    since_ms
        None: from the beginning.
    change_seq
        A model that has read the catalogue up to here was trained without it.
    """

    digest: bytes
    since_ms: float | None
    until_ms: float
    change_seq: int


def digest_of(shopper_key: str, *, schema_name: str) -> bytes:
    """Return what a tombstone knows a shopper key by.

    >>> digest_of("u:ada", schema_name="t_acorn") == digest_of("a:ada", schema_name="t_acorn")
    False
    """
    return blake2b(
        shopper_key.encode(), digest_size=DIGEST_BYTES, key=schema_name.encode()
    ).digest()


def write_erasures(folder: Path, erasures: Iterable[Erasure]) -> None:
    """Replace the file beside an environment's models, durably."""
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / f"{ERASURES}.part"
    with temporary.open("wb") as file:
        file.write(msgspec.msgpack.encode(list(erasures)))
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(folder / ERASURES)


def read_erasures(folder: Path) -> list[Erasure]:
    """Return what the file beside an environment's models says; nothing where there is none.

    Raises
    ------
    msgspec.DecodeError
        It is no such file.
    """
    try:
        content = (folder / ERASURES).read_bytes()
    except FileNotFoundError:
        return []
    return msgspec.msgpack.decode(content, type=list[Erasure])
