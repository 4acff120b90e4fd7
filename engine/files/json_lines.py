"""Reads NDJSON: one object in the API's own shape on each line."""

from __future__ import annotations

from collections.abc import Iterator

from engine.files.byte_source import ByteSource
from engine.files.records import Block, Entry, Record, RowError, shortened
from engine.files.text_lines import LineReader
from saas.lib.errors import BadRequest
from saas.lib.strict_json import parse_strict_json


class JsonLines:
    """Rows that name their own members."""

    columns = None

    def __init__(self, source: ByteSource) -> None:
        self._lines = LineReader(source)

    def blocks(self) -> Iterator[Block]:
        """Yield the rows, a block at a time; blank lines are left out."""
        for part in self._lines.lines():
            if isinstance(part, RowError):
                yield Block([part], 0)
                continue
            entries = [
                _entry(line, text)
                for line, text in enumerate(part.texts, start=part.first)
                if not text.isspace()
            ]
            yield Block(entries, sum(map(len, part.texts)))


def _entry(line: int, text: str) -> Entry:
    try:
        cells = parse_strict_json(text.encode())
    except BadRequest as error:
        detail = error.detail.replace("The body", "The line").replace("any call", "any row")
        return RowError(line, "", shortened(text.strip()), error.code, detail)
    if isinstance(cells, dict):
        return Record(line, cells)
    detail = 'Each line holds one object such as {"id": "sku-19", "title": "Pan"}.'
    return RowError(line, "", shortened(text.strip()), "invalid_type", detail)
