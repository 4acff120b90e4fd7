"""Opens small files in memory and says what came of them."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

from engine.files.open_rows import Batch, RowReader, open_rows

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def read(data: str | bytes, kind: Any = "items", **options: Any) -> RowReader:
    """Open a file of these characters, sales running at noon."""
    raw = data.encode() if isinstance(data, str) else data
    return open_rows(io.BytesIO(raw), kind=kind, now=NOON, **options)


def rows(data: str | bytes, kind: Any = "items", **options: Any) -> list[dict[str, Any]]:
    """Return the rows of a file without errors."""
    batches = list(read(data, kind, **options))
    assert [error for batch in batches for error in batch.errors] == []
    return [row for batch in batches for row in batch.rows]


def only_batch(data: str | bytes, kind: Any = "items", **options: Any) -> Batch:
    """Return a small file's one batch."""
    (batch,) = read(data, kind, **options)
    return batch


def errors(
    data: str | bytes, kind: Any = "items", **options: Any
) -> list[tuple[int, str, str, str]]:
    """Return line, column, value and code of the bad rows of a file."""
    return [
        (error.line, error.column, error.value, error.code)
        for batch in read(data, kind, **options)
        for error in batch.errors
    ]
