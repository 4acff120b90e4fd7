"""The bytes of an imported file: unpacked, counted, and never more than the limit."""

from __future__ import annotations

import gzip
import io
import os
import zlib
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO

from typing_extensions import override

from engine.files.limits import MAX_FILE_BYTES
from saas.lib.errors import ImportTooLarge, UnreadableFile

HEAD_BYTES = 64 * 1024
_GZIP = b"\x1f\x8b"
# What a file of another kind begins with, and what to do about it.
_REFUSED = (
    (
        (b"PK\x03\x04", b"PK\x05\x06"),
        "The file is a zip archive or an Excel workbook; send the CSV file inside it, or save the "
        "sheet as CSV UTF-8. A single file may be packed with gzip.",
    ),
    (
        (b"\xd0\xcf\x11\xe0",),
        "The file is an old Excel workbook; save the sheet as CSV UTF-8 and send that.",
    ),
    (
        (b"BZh", b"\xfd7zXZ", b"7z\xbc\xaf", b"\x28\xb5\x2f\xfd", b"Rar!"),
        "The file is packed in a way that is not read here; pack it with gzip or not at all.",
    ),
    ((b"%PDF",), "The file is a PDF; send the table that it was made from as CSV."),
)


class _Counted(io.RawIOBase):
    """Counts what is taken from a file, and stops at the limit."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.taken = 0

    @override
    def readable(self) -> bool:
        return True

    @override
    def read(self, size: int = -1, /) -> bytes:
        data = self._file.read(size)
        self.taken += len(data)
        if self.taken > MAX_FILE_BYTES:
            raise _too_large("The file has")
        return data


class ByteSource:
    """Reads a file from its beginning to its end, unpacked.

    Attributes
    ----------
    total_bytes
        The size of the file as it came, where it is known.
    """

    def __init__(self, source: Path | BinaryIO) -> None:
        self._owned: BinaryIO | None = None
        if isinstance(source, Path):
            source = self._owned = source.open("rb")
        self._file = source
        try:
            self._open()
        except BaseException:
            self.close()
            raise

    def _open(self) -> None:
        self.total_bytes = _size(self._file)
        self._begins_at_zero = self.total_bytes is not None and self._file.tell() == 0
        if self.total_bytes is not None and self.total_bytes > MAX_FILE_BYTES:
            raise _too_large("The file has")
        self._counted = _Counted(self._file)
        self._stream: io.RawIOBase | gzip.GzipFile = self._counted
        self._inflated = 0
        self._head = b""
        self._head = self.read(HEAD_BYTES)
        if self._head.startswith(_GZIP):
            self._stream = gzip.GzipFile(fileobj=_Headed(self._head, self._counted))
            self._inflated, self._head = 0, b""
            self._head = self.read(HEAD_BYTES)
        _refuse_others(self._head)

    @property
    def head(self) -> bytes:
        """Return the first bytes of the content, as long as none were read."""
        return self._head

    @property
    def bytes_read(self) -> int:
        """Return how much of the file as it came was read."""
        return self._counted.taken

    def read(self, size: int) -> bytes:
        """Return the next bytes: as many as asked for, fewer only at the end.

        Raises
        ------
        ImportTooLarge
            It holds more than `MAX_FILE_BYTES`.
        UnreadableFile
            It is packed and does not unpack.
        """
        parts = [self._head[:size]]
        self._head = self._head[size:]
        missing = size - len(parts[0])
        while missing:
            part = self._next(missing)
            if not part:
                break
            parts.append(part)
            missing -= len(part)
        return b"".join(parts)

    def _next(self, size: int) -> bytes:
        try:
            part = self._stream.read(size) or b""
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise UnreadableFile(
                f"The gzip file does not unpack ({error}); pack it again and send it whole."
            ) from None
        self._inflated += len(part)
        if self._inflated > MAX_FILE_BYTES:
            raise _too_large("Unpacked, the file has")
        return part

    def seekable(self) -> BinaryIO:
        """Return the unpacked content as a file with a known end, before anything was read."""
        if self._stream is self._counted and self._begins_at_zero:
            self._file.seek(0)
            return self._file
        spooled: BinaryIO = TemporaryFile()  # noqa: SIM115  # closed with this source
        while data := self.read(1024 * 1024):
            spooled.write(data)
        spooled.seek(0)
        self.close()
        self._owned = spooled
        return spooled

    def close(self) -> None:
        """Close what was opened here; a file that was handed in stays open."""
        if self._owned is not None:
            self._owned.close()


class _Headed(io.RawIOBase):
    """A stream whose beginning was read already."""

    def __init__(self, head: bytes, rest: io.RawIOBase) -> None:
        self._head = head
        self._rest = rest

    @override
    def readable(self) -> bool:
        return True

    @override
    def read(self, size: int = -1, /) -> bytes:
        if self._head:
            part, self._head = self._head[:size], self._head[size:]
            return part
        return self._rest.read(size) or b""


def _size(file: BinaryIO) -> int | None:
    """Return how much is left of a file that has an end."""
    try:
        at = file.tell()
        end = file.seek(0, os.SEEK_END)
        file.seek(at)
    except (OSError, AttributeError, io.UnsupportedOperation):
        return None
    return end - at


def _refuse_others(head: bytes) -> None:
    for beginnings, sentence in _REFUSED:
        if head.startswith(beginnings):
            raise UnreadableFile(sentence)
    if head.startswith(_GZIP):
        raise UnreadableFile("The file is packed with gzip twice; unpack it once.")
    if not head.strip(b"\xef\xbb\xbf \t\r\n"):
        raise UnreadableFile("The file is empty; send one with a header and rows.")


def _too_large(beginning: str) -> ImportTooLarge:
    return ImportTooLarge(
        f"{beginning} more than {MAX_FILE_BYTES // 1024**3} GB; send it in several parts."
    )
