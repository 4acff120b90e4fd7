"""The compiled kernel as Python calls it: kernel.c's structs, its memory and its functions."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.core.kernel_library import library_path
from engine.core.parts import NeighbourPart, Part, StaticPart, VectorPart

_KINDS = {StaticPart: 0, VectorPart: 1, NeighbourPart: 2}
# Of kernel.c's Scratch: what it needs once, and for each item.
_HEAD_BYTES = 16
_ITEM_BYTES = 44
# A part's numbers in the state beside its query, which stands there twice.
_NUMBERS = 3


class BadIndexError(Exception):
    """A part names an item that there is not; its arrays are not those of a fitted part."""


class _Part(ctypes.Structure):
    _fields_ = (
        ("kind", ctypes.c_int64),
        ("width", ctypes.c_int64),
        ("place", ctypes.c_int64),
        ("weight", ctypes.c_double),
        *((name, ctypes.c_void_p) for name in ("values", "reach", "codes", "mean", "covariance")),
        *((name, ctypes.c_void_p) for name in ("indptr", "indices")),
    )


class _Blend(ctypes.Structure):
    _fields_ = (
        ("n_items", ctypes.c_int64),
        ("n_parts", ctypes.c_int64),
        ("parts", ctypes.c_void_p),
    )


def _load() -> ctypes.CDLL | None:
    try:
        library = ctypes.CDLL(str(library_path()))
    except OSError:
        return None
    address, number = ctypes.c_void_p, ctypes.c_int64
    # Bytes go as they are: asking an array for its address costs more than a short copy.
    history = [ctypes.c_char_p, ctypes.c_char_p, number]
    out = {
        "best": [*history, address, number, address, address, address, address],
        "values": [*history, address, address, address],
        "explain": [*history, ctypes.c_char_p, ctypes.c_char_p, number, address],
    }
    for name, arguments in out.items():
        getattr(library, f"shelfwise_{name}").argtypes = [address, *arguments]
        getattr(library, f"shelfwise_{name}").restype = number
    library.shelfwise_top.argtypes = [address, address, number, number, address, address]
    library.shelfwise_top.restype = number
    return library


# None where no compiler was found: numpy answers the same.
library = _load()


class _Workspace:
    """One thread's memory for the kernel, as large as the largest catalogue it has ranked."""

    def __init__(self, *, n_items: int, n_numbers: int) -> None:
        self.n_items, self.n_numbers = n_items, n_numbers
        self.scratch = np.zeros(_HEAD_BYTES + _ITEM_BYTES * n_items, dtype=np.uint8)
        self.scratch[:8].view(np.int64)[0] = n_items
        self.state = np.zeros(n_numbers)
        self.rows = np.empty(n_items, dtype=np.int32)
        self.scores = np.empty(n_items, dtype=np.float32)
        arrays = (self.scratch, self.state, self.rows, self.scores)
        self.addresses = tuple(array.ctypes.data for array in arrays)


_of_thread = threading.local()


def _workspace(*, n_items: int, n_numbers: int) -> _Workspace:
    space: _Workspace | None = getattr(_of_thread, "workspace", None)
    if space is None or space.n_items < n_items or space.n_numbers < n_numbers:
        if space is not None:
            n_items, n_numbers = max(n_items, space.n_items), max(n_numbers, space.n_numbers)
        space = _of_thread.workspace = _Workspace(n_items=n_items, n_numbers=n_numbers)
    return space


# A history as the kernel takes it: its rows, their weights and how many there are.
Heard = tuple[bytes, bytes, int]


def heard(rows: NDArray[np.int32], weights: NDArray[np.float32]) -> Heard:
    """Return a history for the kernel."""
    if len(rows) != len(weights):
        raise ValueError(f"A history has {len(rows)} rows and {len(weights)} weights.")
    narrow = weights.astype(np.float32, copy=False)
    return rows.astype(np.int32, copy=False).tobytes(), narrow.tobytes(), len(rows)


class CompiledBlend:
    """The speaking parts of a blend and their weights, laid out for the kernel.

    Parameters
    ----------
    parts : sequence of StaticPart, VectorPart or NeighbourPart
        Their arrays are read where they are.
    weights : sequence of float
        By part.
    n_items : int
    """

    def __init__(self, parts: Sequence[Part], weights: Sequence[float], *, n_items: int) -> None:
        self.n_items = n_items
        self._arrays: list[NDArray[Any]] = []
        self._n_numbers = 0
        self._parts = (_Part * len(parts))(
            *(self._part(part, weight) for part, weight in zip(parts, weights, strict=True))
        )
        self._blend = _Blend(n_items, len(parts), ctypes.addressof(self._parts))
        self._address = ctypes.addressof(self._blend)

    def best(
        self, history: Heard, *, allowed: NDArray[np.bool_], limit: int
    ) -> tuple[NDArray[np.int32], NDArray[np.float32], bytes]:
        """Return the best allowed rows, their scores, and the state that `explain` takes."""
        space = _workspace(n_items=self.n_items, n_numbers=self._n_numbers)
        scratch, state, out_rows, out_scores = space.addresses
        if len(allowed) != self.n_items:
            raise ValueError(f"{len(allowed)} items are allowed or not, {self.n_items} are ranked.")
        count = _loaded().shelfwise_best(
            self._address,
            *history,
            _reference(np.ascontiguousarray(allowed)),
            min(limit, self.n_items),
            scratch,
            state,
            out_rows,
            out_scores,
        )
        self._check(count)
        numbers = space.state[: self._n_numbers].tobytes()
        return space.rows[:count].copy(), space.scores[:count].copy(), numbers

    def values(self, history: Heard) -> tuple[NDArray[np.float32], bytes]:
        """Return float32[n_items], every item's score, and the state that `explain` takes."""
        space = _workspace(n_items=self.n_items, n_numbers=self._n_numbers)
        scratch, state, *_ = space.addresses
        values = np.empty(self.n_items, dtype=np.float32)
        self._check(
            _loaded().shelfwise_values(self._address, *history, scratch, state, values.ctypes.data)
        )
        return values, space.state[: self._n_numbers].tobytes()

    def explain(
        self, history: Heard, state: bytes, *, item_rows: NDArray[np.int32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int32], NDArray[np.int32]]:
        """Return `engine.core.scan.Said` of items."""
        count = len(item_rows)
        # One array for four results: asking for an address is dear.
        told = np.empty((3 + len(self._parts), count), dtype=np.float32)
        wanted = item_rows.astype(np.int32, copy=False).tobytes()
        failed = count and _loaded().shelfwise_explain(
            self._address, *history, state, wanted, count, _reference(told)
        )
        if failed:
            raise IndexError(f"Rows outside of the {self.n_items} that are ranked.")
        places = told[:2].view(np.int32)
        return told[2], told[3:], places[0], places[1]

    def _part(self, part: Part, weight: float) -> _Part:
        laid = _Part(kind=_KINDS[type(part)], place=self._n_numbers, weight=weight)
        if isinstance(part, StaticPart):
            laid.values = self._kept(part.scores, np.float32, self.n_items)
            laid.reach = self._kept(np.abs(part.scores).max(keepdims=True), np.float32, 1)
        elif isinstance(part, VectorPart):
            width = laid.width = part.vectors.shape[1]
            self._n_numbers += 2 * width
            laid.values = self._kept(part.vectors, np.float32, self.n_items, width)
            laid.reach = self._kept(part.reach, np.float32, width)
            laid.mean = self._kept(part.mean, np.float64, width)
            laid.covariance = self._kept(part.covariance, np.float64, width, width)
            if part.codes is not None:
                laid.codes = self._kept(part.codes, np.int8, self.n_items, width)
        elif isinstance(part, NeighbourPart):
            laid.width = len(part.indices)
            laid.indptr = self._kept(part.indptr, np.int64, self.n_items + 1)
            laid.indices = self._kept(part.indices, np.int32, laid.width)
            laid.values = self._kept(part.data, np.float32, laid.width)
        self._n_numbers += _NUMBERS
        return laid

    def _kept(self, array: NDArray[Any], dtype: type[np.generic], *shape: int) -> int:
        """Return an array's address; the kernel trusts its type and shape."""
        if array.shape != shape:
            raise ValueError(f"An array has the shape {array.shape}, not {shape}.")
        self._arrays.append(np.ascontiguousarray(array, dtype=dtype))
        return self._arrays[-1].ctypes.data

    def _check(self, count: int) -> None:
        if count < 0:
            raise BadIndexError(f"A part or a history names a row beyond {self.n_items} items.")


def top(
    scores: NDArray[np.float32], *, allowed: NDArray[np.bool_], limit: int
) -> NDArray[np.int32]:
    """Return the rows of the ``limit`` highest allowed scores, best first, ties by row."""
    space = _workspace(n_items=len(scores), n_numbers=0)
    scratch, _, out_rows, _ = space.addresses
    count = _loaded().shelfwise_top(
        np.ascontiguousarray(scores).ctypes.data,
        np.ascontiguousarray(allowed).ctypes.data,
        len(scores),
        min(limit, len(scores)),
        scratch,
        out_rows,
    )
    return space.rows[:count].copy()


def _reference(array: NDArray[Any]) -> Any:
    """Return where an array begins, in half the time in which it tells its address itself."""
    return ctypes.byref(ctypes.c_char.from_buffer(array.data))


def _loaded() -> ctypes.CDLL:
    if library is None:
        raise RuntimeError("The kernel was not built; ask scan.py, which knows numpy as well.")
    return library
