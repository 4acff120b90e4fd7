"""Strings as arrays: ids that are looked up both ways without a Python object for each."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class StringTable:
    """Distinct strings by row, and rows by string.

    Attributes
    ----------
    blob : uint8[bytes]
        UTF-8 of all strings, one after the other.
    offsets : int64[n + 1]
        String ``row`` is ``blob[offsets[row]:offsets[row + 1]]``.
    hashes : uint64[n]
        First 8 bytes of each string's BLAKE2b, ascending.
    rows : int32[n]
        The row of each hash.

    Examples
    --------
    >>> table = string_table(["sku/1", "sku,2", "ключ"])
    >>> table.find("ключ"), table.find("sku"), table[1], len(table)
    (2, None, 'sku,2', 3)
    """

    blob: NDArray[np.uint8]
    offsets: NDArray[np.int64]
    hashes: NDArray[np.uint64]
    rows: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, row: int) -> str:
        return bytes(self.blob[self.offsets[row] : self.offsets[row + 1]]).decode()

    def find(self, text: str) -> int | None:
        """Return the row of a string, None when the table doesn't hold it."""
        encoded = text.encode()
        wanted = _hash(encoded)
        blob, offsets, hashes, rows = self._views
        place = bisect_left(hashes, wanted)
        while place < len(hashes) and hashes[place] == wanted:
            row = rows[place]
            if blob[offsets[row] : offsets[row + 1]] == encoded:
                return int(row)
            place += 1
        return None

    def find_all(self, texts: Sequence[str], hashes: NDArray[np.uint64]) -> NDArray[np.int32]:
        """Return the row of each string, -1 when the table doesn't hold it.

        Parameters
        ----------
        texts
            Distinct strings.
        hashes : uint64[len(texts)]
            By `hash_of`.
        """
        places = np.searchsorted(self.hashes, hashes)
        known = np.flatnonzero(places < len(self))
        known = known[self.hashes[places[known]] == hashes[known]]
        rows = np.full(len(texts), -1, dtype=np.int32)
        rows[known] = self.rows[places[known]]
        if self._joined(rows[known]) != "".join([texts[each] for each in known.tolist()]).encode():
            # Two strings have one hash.
            found = (self.find(text) for text in texts)
            rows[:] = [-1 if row is None else row for row in found]
        return rows

    def _joined(self, rows: NDArray[np.int32]) -> bytes:
        """Return the strings of rows, one after the other."""
        starts = self.offsets[rows]
        lengths = self.offsets[rows + 1] - starts
        before = np.cumsum(lengths) - lengths
        places = np.repeat(starts - before, lengths) + np.arange(lengths.sum())
        joined: bytes = self.blob[places].tobytes()
        return joined

    @cached_property
    def _views(self) -> tuple[memoryview, memoryview, memoryview, memoryview]:
        # Asked for single elements they are several times quicker than arrays.
        return self.blob.data, self.offsets.data, self.hashes.data, self.rows.data


def string_table(texts: Sequence[str]) -> StringTable:
    """Lay out distinct strings; a lone surrogate can't be UTF-8 and raises UnicodeEncodeError."""
    encoded = [text.encode() for text in texts]
    hashes = np.array([_hash(text) for text in encoded], dtype=np.uint64)
    order = np.argsort(hashes, kind="stable")
    lengths = [len(text) for text in encoded]
    return StringTable(
        blob=np.frombuffer(b"".join(encoded), dtype=np.uint8),
        offsets=np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)]).astype(np.int64),
        hashes=hashes[order],
        rows=order.astype(np.int32),
    )


def hash_of(text: str) -> int:
    """Return the number by which tables find a string."""
    return _hash(text.encode())


def _hash(encoded: bytes) -> int:
    return int.from_bytes(blake2b(encoded, digest_size=8).digest(), "big")
