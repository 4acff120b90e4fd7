"""Which catalogue rows carry a word: short lists that a filter reads instead of every item."""

from __future__ import annotations

from collections.abc import Hashable, Iterable

import numpy as np
from numpy.typing import NDArray

# Catalogue rows: some, or all from the first on.
Rows = NDArray[np.int32] | slice

_NONE: NDArray[np.int32] = np.zeros(0, dtype=np.int32)


class Postings:
    """The rows of each word, and each row's words.

    One thread writes, others read: arrays are replaced, never changed. What was put is found
    after the next `flush`, so that a bulk load does not copy a list for each of its rows.
    """

    def __init__(self) -> None:
        self._rows: dict[Hashable, NDArray[np.int32]] = {}
        self._words: dict[int, tuple[Hashable, ...]] = {}
        self._joined: dict[Hashable, list[int]] = {}

    def put(self, row: int, words: Iterable[Hashable]) -> None:
        """Say which words a row has from now on."""
        now = tuple(dict.fromkeys(words))
        before = self._words.get(row, ())
        if now == before:
            return
        for word in before:
            if row in self._joined.get(word, ()):
                self._joined[word].remove(row)
            rows = self.rows(word)
            self._rows[word] = rows[rows != row]
        for word in now:
            self._joined.setdefault(word, []).append(row)
        if now:
            self._words[row] = now
        else:
            del self._words[row]

    def flush(self) -> None:
        """Let what was put be found."""
        for word, joined in self._joined.items():
            self._rows[word] = np.append(self.rows(word), np.array(joined, dtype=np.int32))
        self._joined = {}

    def rows(self, word: Hashable) -> NDArray[np.int32]:
        """Return the rows that carry a word, in no order."""
        return self._rows.get(word, _NONE)

    def union(self, words: Iterable[Hashable]) -> NDArray[np.int32]:
        """Return the rows that carry one of the words, each once, in no order."""
        each = [self.rows(word) for word in words]
        return each[0] if len(each) == 1 else np.unique(np.concatenate([_NONE, *each]))

    def filled(self, wanted: Rows) -> NDArray[np.bool_]:
        """Return which of the wanted rows have a word at all."""
        return self.carry(tuple(self._rows), wanted)

    def carry(self, words: Iterable[Hashable], wanted: Rows) -> NDArray[np.bool_]:
        """Return which of the wanted rows carry one of the words."""
        rows = self.union(words)
        if not isinstance(wanted, slice):
            return np.isin(wanted, rows)
        carries = np.zeros(wanted.stop, dtype=np.bool_)
        carries[rows[rows < wanted.stop]] = True
        return carries
