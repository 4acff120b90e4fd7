"""Cuts text into lines without ever holding a long one: between the bytes and CSV or NDJSON."""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterator
from typing import NamedTuple

from engine.files.byte_source import ByteSource
from engine.files.limits import MAX_ROW_CHARACTERS
from engine.files.records import RowError, shortened
from saas.lib.errors import UnreadableFile

_BLOCK_BYTES = 256 * 1024
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# How a byte that is no UTF-8 comes out of the decoder.
_ESCAPED = re.compile("[\udc80-\udcff]")


class Lines(NamedTuple):
    """Lines with their ends, one after the other.

    Attributes
    ----------
    first
        The number of the first, from 1.
    """

    first: int
    texts: list[str]


class LineReader:
    """Reads the lines of a file in UTF-8 or UTF-16, with any line end."""

    def __init__(self, source: ByteSource) -> None:
        self._source = source
        encoding = _encoding(source.head)
        errors = "surrogateescape" if encoding.startswith("utf-8") else "strict"
        self._decoder = codecs.getincrementaldecoder(encoding)(errors)
        head = codecs.decode(source.head, encoding, "ignore")
        # An old Mac's files have no other line end than this one.
        self._end = "\r" if "\r" in head and "\n" not in head else "\n"

    def lines(self) -> Iterator[Lines | RowError]:
        """Yield the lines; one that is too long or not UTF-8 comes as the error that it is.

        Raises
        ------
        UnreadableFile
            The file is no UTF-16 although it begins as such.
        """
        number, rest, is_skipping = 1, "", False
        while True:
            data = self._source.read(_BLOCK_BYTES)
            text = rest + self._decode(data)
            if not text and not data:
                return
            texts = io.StringIO(text, newline=self._end).readlines()
            rest = texts.pop() if data and texts and not texts[-1].endswith(self._end) else ""
            if is_skipping and (texts or not data):
                # The rest of a line whose error is told.
                texts, is_skipping, number = texts[1:], False, number + 1
            yield from _sound(number, texts)
            number += len(texts)
            if is_skipping:
                rest = ""
            elif len(rest) > MAX_ROW_CHARACTERS:
                yield _too_long(number, rest)
                rest, is_skipping = "", True
            if not data:
                return

    def _decode(self, data: bytes) -> str:
        try:
            return self._decoder.decode(data, final=not data)
        except UnicodeDecodeError as error:
            raise UnreadableFile(
                f"The file begins as UTF-16 and is not ({error.reason}); save it as UTF-8."
            ) from None


def _encoding(head: bytes) -> str:
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding
    if b"\0" in head[:2]:
        return "utf-16-be" if head[0] == 0 else "utf-16-le"
    return "utf-8"


def _sound(first: int, texts: list[str]) -> Iterator[Lines | RowError]:
    """Yield the lines around those that are errors."""
    is_short = max(map(len, texts), default=0) <= MAX_ROW_CHARACTERS
    if is_short and not any(_ESCAPED.search(text) for text in texts if not text.isascii()):
        if texts:
            yield Lines(first, texts)
        return
    begin = 0
    for index, text in enumerate(texts):
        error = _line_error(first + index, text)
        if error is None:
            continue
        if index > begin:
            yield Lines(first + begin, texts[begin:index])
        yield error
        begin = index + 1
    if begin < len(texts):
        yield Lines(first + begin, texts[begin:])


def _line_error(number: int, text: str) -> RowError | None:
    if len(text) > MAX_ROW_CHARACTERS:
        return _too_long(number, text)
    found = _ESCAPED.search(text)
    if found is None:
        return None
    before = text[max(0, found.start() - 20) : found.start()]
    return RowError(
        line=number,
        column="",
        value=shortened(before),
        code="invalid_text",
        detail=f"After this text comes the byte 0x{ord(found.group()) - 0xDC00:02x}, which is not "
        "UTF-8; save the file as UTF-8.",
    )


def _too_long(number: int, text: str) -> RowError:
    return RowError(
        line=number,
        column="",
        value=shortened(text[:100]),
        code="line_too_long",
        detail=f"A row has at most {MAX_ROW_CHARACTERS // 1024} kB; shorten its longest text, or "
        "look for a missing line end.",
    )
