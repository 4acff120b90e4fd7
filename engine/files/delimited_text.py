"""Reads CSV and TSV: the container that most shops' exports come in."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from typing import Any

from engine.files.byte_source import ByteSource
from engine.files.limits import MAX_COLUMNS, MAX_ROW_CHARACTERS
from engine.files.records import Block, Entry, Record, RowError, shortened
from engine.files.text_lines import LineReader, Lines
from engine.rows.values import shown
from saas.lib.errors import ImportTooLarge, UnreadableFile

_DELIMITERS = (",", ";", "\t", "|")
# Excel's own hint in a first line of its own.
_HINT = "sep="


class DelimitedText:
    """Rows under a header, their cells quoted as in RFC 4180."""

    def __init__(self, source: ByteSource) -> None:
        self._lines = LineReader(source).lines()
        self._waiting = self._header()

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the names in the header."""
        return self._columns

    def blocks(self) -> Iterator[Block]:
        """Yield the rows, a block at a time; blank ones are left out."""
        carried = self._waiting
        for part in self._lines:
            if isinstance(part, RowError):
                entries, _ = self._read(carried, is_cut=False)
                carried = Lines(part.line + 1, [])
                yield Block([*entries, part], _characters(carried))
            else:
                first = carried.first if carried.texts else part.first
                lines = Lines(first, carried.texts + part.texts)
                entries, carried = self._read(lines, is_cut=True)
                yield Block(entries, _characters(lines))
        entries, _ = self._read(carried, is_cut=False)
        yield Block(entries, _characters(carried))

    def _header(self) -> Lines:
        """Take the header, and return the lines after it that came with it."""
        for part in self._lines:
            if isinstance(part, RowError):
                raise UnreadableFile(f"The header cannot be read. {part.detail}")
            start, hint = 0, None
            if part.first == 1 and part.texts[0].startswith(_HINT):
                start, hint = 1, part.texts[0][len(_HINT) :][:1]
            texts = part.texts[start:]
            while texts and not texts[0].strip():
                texts, start = texts[1:], start + 1
            if texts:
                taken = self._take_header(texts, hint)
                return Lines(part.first + start + taken, texts[taken:])
        raise UnreadableFile("The file has no header; name the columns in its first line.")

    def _take_header(self, texts: list[str], hint: str | None) -> int:
        names: list[str] = []
        taken = 0
        for delimiter in [hint] if hint else _DELIMITERS:
            reader = csv.reader(texts, delimiter=delimiter, strict=True)
            try:
                found = next(reader)
            except csv.Error:
                continue
            if len(found) > len(names):
                names, taken, self._delimiter = found, reader.line_num, delimiter
        if not names:
            raise UnreadableFile("The quotes in the header do not close; name the columns there.")
        self._columns = _checked([name.strip() for name in names])
        return taken

    def _read(self, lines: Lines, *, is_cut: bool) -> tuple[list[Entry], Lines]:
        """Return the rows, and the lines of a last one that may go on (`is_cut`)."""
        first, texts = lines
        entries: list[Entry] = []
        start, done = 0, 0
        rows = self._reader(texts)
        while True:
            try:
                for cells in rows:
                    entry = self._entry(first + start + done, cells, rows.line_num - done)
                    if entry is not None:
                        entries.append(entry)
                    done = rows.line_num
            except csv.Error as error:
                begin, end = start + done, start + rows.line_num
                is_open = end == len(texts) and "end of data" in str(error)
                if is_open and is_cut and sum(map(len, texts[begin:])) <= MAX_ROW_CHARACTERS:
                    return entries, Lines(first + begin, texts[begin:])
                entries.append(_bad_quoting(first + begin, texts[begin]))
                done += 1
                if end > begin + 1:
                    # The lines that the quote swallowed are read again, each for itself.
                    start, done = begin + 1, 0
                    rows = self._reader(map(texts.__getitem__, range(start, len(texts))))
            else:
                return entries, Lines(first + len(texts), [])

    def _reader(self, texts: Iterable[str]) -> Any:
        return csv.reader(texts, delimiter=self._delimiter, strict=True)

    def _entry(self, line: int, cells: list[str], height: int) -> Entry | None:
        """Return a row of so many lines, or None where it is blank."""
        if height > 1 and sum(map(len, cells)) > MAX_ROW_CHARACTERS:
            return _too_long(line, cells)
        if not (cells and cells[0]) and not any(cells):
            return None
        if len(cells) == len(self._columns):
            return Record(line, dict(zip(self._columns, cells, strict=True)))
        return self._odd(line, cells)

    def _odd(self, line: int, cells: list[str]) -> Entry:
        """Return a row of another width: whole where only empty cells hang over."""
        columns = self._columns
        if len(cells) > len(columns) and not any(cells[len(columns) :]):
            return Record(line, dict(zip(columns, cells, strict=False)))
        return RowError(
            line=line,
            column="",
            value=shortened(cells[-1]),
            code="wrong_cell_count",
            detail=f"The row has {len(cells)} cells where the header has {len(columns)}; quote "
            f"cells that hold {shown(self._delimiter)} or line ends.",
        )


def _checked(names: list[str]) -> tuple[str, ...]:
    """Return the names of the columns; cells under none are not looked at."""
    while names and not names[-1]:
        names.pop()
    if len(names) > MAX_COLUMNS:
        raise ImportTooLarge(
            f"The file has {len(names)} columns; leave some out, {MAX_COLUMNS} are allowed."
        )
    if any("\0" in name for name in names):
        raise UnreadableFile("The header holds NUL characters; the file is no text.")
    for name in names:
        if name and names.count(name) > 1:
            raise UnreadableFile(f"Column {shown(name)} stands twice in the header; keep one.")
    return tuple(names)


def _too_long(line: int, cells: list[str]) -> RowError:
    return RowError(
        line=line,
        column="",
        value=shortened(cells[0]),
        code="line_too_long",
        detail=f"A row has at most {MAX_ROW_CHARACTERS // 1024} kB; shorten its longest text.",
    )


def _bad_quoting(line: int, text: str) -> RowError:
    return RowError(
        line=line,
        column="",
        value=shortened(text.strip()),
        code="bad_quoting",
        detail="A quote opens a cell and does not close it before a delimiter; close it, and "
        'write a quote inside a quoted cell twice ("").',
    )


def _characters(lines: Lines) -> int:
    return sum(map(len, lines.texts))
