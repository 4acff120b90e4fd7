"""How a file is cut into batches, unpacked, bounded and gone on with."""

from __future__ import annotations

import gzip
import io
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typing_extensions import override

from engine.files import byte_source
from engine.files import open_rows as opening
from engine.files.open_rows import open_rows
from saas.lib.errors import ImportTooLarge, UnreadableFile
from tests.engine.files.reading import read

PAN = [{"id": "a", "title": "Pan"}]
CSV = b"id,title\na,Pan\n"


class Piecewise(io.RawIOBase):
    """A stream that hands out little at a time and cannot go back, like an upload."""

    def __init__(self, data: bytes) -> None:
        self._data = io.BytesIO(data)

    @override
    def readable(self) -> bool:
        return True

    @override
    def read(self, size: int = -1, /) -> bytes:
        return self._data.read(min(size, 7))


def many(count: int, *, bad: int = -1) -> str:
    lines = (f"k{n},{'x' if n == bad else n}\n" for n in range(count))
    return "id,price\n" + "".join(lines)


def test_a_batch_has_at_most_5000_rows_and_errors_together() -> None:
    batches = list(read(many(12_000, bad=7_000)))
    assert [batch.ordinal for batch in batches] == [0, 1, 2]
    assert [len(b.rows) + len(b.errors) for b in batches] == [5_000, 5_000, 2_000]
    assert batches[1].errors[0].line == 7_002
    assert [(b.lines[0], b.rows[0]["id"]) for b in batches] == [
        (2, "k0"),
        (5_002, "k5000"),
        (10_002, "k10000"),
    ]


def test_long_rows_end_a_batch_earlier() -> None:
    text = "id,title\n" + "".join(f"k{n},{'x' * 60_000}\n" for n in range(600))
    sizes = [len(batch.rows) for batch in read(text)]
    assert sum(sizes) == 600
    # 16 MB hold 279 rows of 60 kB, and the block that fills them up some more.
    assert max(sizes) <= 279 + 5


@pytest.mark.parametrize("first", [0, 1, 2, 3])
def test_reading_goes_on_at_any_batch_with_the_same_rows(first: int) -> None:
    text = many(12_000, bad=7_000)
    whole, rest = list(read(text)), list(read(text, first_batch=first))
    assert [(b.ordinal, b.rows, b.errors) for b in rest] == [
        (b.ordinal, b.rows, b.errors) for b in whole[first:]
    ]


def test_a_stream_is_cut_like_a_file_however_it_trickles() -> None:
    text = many(5_500).encode()
    stream: Any = Piecewise(text)
    with open_rows(stream, kind="items") as file:
        assert file.total_bytes is None
        assert [len(batch.rows) for batch in file] == [5_000, 500]


def parquet() -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.table({"id": ["a"], "title": ["Pan"]}), file)
    return file.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        CSV,
        b"id\ttitle\na\tPan\n",
        b'{"id": "a", "title": "Pan"}\n',
        b"<rss><item><id>a</id><title>Pan</title></item></rss>",
        parquet(),
    ],
    ids=["csv", "tsv", "ndjson", "xml", "parquet"],
)
def test_every_format_may_be_packed_or_come_as_a_stream(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "upload"
    for each in (data, gzip.compress(data), gzip.compress(data[:9]) + gzip.compress(data[9:])):
        path.write_bytes(each)
        stream: Any = Piecewise(each)
        for source in (path, io.BytesIO(each), stream):
            with open_rows(source, kind="items") as file:
                (batch,) = file
            assert batch.rows == PAN


def test_progress_counts_the_bytes_of_the_file_as_it_came() -> None:
    packed = gzip.compress(many(50_000).encode())
    file = read(packed)
    seen = [batch.bytes_read for batch in file]
    assert seen == sorted(seen)
    assert 0 < seen[0] < len(packed)
    assert (seen[-1], file.total_bytes) == (len(packed), len(packed))


def test_a_file_that_was_handed_in_stays_open_and_a_path_does_not(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(CSV)
    handed = io.BytesIO(CSV)
    with open_rows(handed, kind="items") as file:
        list(file)
    assert not handed.closed
    with pytest.raises(UnreadableFile):
        # A leaked handle would be a ResourceWarning, and warnings are errors here.
        open_rows(tmp_path / "a.csv", kind="items", mapping={"id": "nowhere"})


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"PK\x03\x04../../etc/passwd", "zip archive or an Excel workbook"),
        (b"\xd0\xcf\x11\xe0rest", "old Excel"),
        (b"%PDF-1.7", "PDF"),
        (b"\x28\xb5\x2f\xfd", "pack it with gzip"),
        (gzip.compress(gzip.compress(CSV)), "packed with gzip twice"),
        (gzip.compress(b"PK\x03\x04"), "zip archive"),
        (gzip.compress(CSV)[:-4], "does not unpack"),
        (gzip.compress(CSV) + b"garbage", "does not unpack"),
        (gzip.compress(CSV)[:12] + b"\xff\xff\xff", "does not unpack"),
        (b"\x1f\x8b", "does not unpack"),
    ],
)
def test_what_cannot_be_unpacked_is_refused_with_the_way_out(data: bytes, sentence: str) -> None:
    with pytest.raises(UnreadableFile, match=sentence):
        list(read(data))


def test_a_file_over_the_limit_is_refused_before_and_while_it_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(byte_source, "MAX_FILE_BYTES", 1024**2)
    text = many(150_000).encode()
    with pytest.raises(ImportTooLarge, match="The file has more than"):
        read(text)
    stream: Any = Piecewise(text)
    with pytest.raises(ImportTooLarge, match="The file has more than"):
        list(open_rows(stream, kind="items"))
    bomb = gzip.compress(bytes(50 * 1024**2))
    assert len(bomb) < 100_000
    with pytest.raises(ImportTooLarge, match="Unpacked, the file has more than"):
        list(read(b"".join([gzip.compress(CSV), bomb])))


def test_more_rows_than_the_limit_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "MAX_ROWS", 6_000)
    assert sum(len(batch.rows) for batch in read(many(6_000))) == 6_000
    with pytest.raises(ImportTooLarge, match="more than 6,000 rows"):
        list(read(many(6_001)))


def test_quotes_in_every_line_take_no_longer_than_lines_without() -> None:
    lines = 20_000
    for text in ('"a"b,c\n' * lines, 'x,"\nx"y,"z\n' * (lines // 2), '"""\n' * lines):
        begin = time.thread_time()
        found = sum(len(b.rows) + len(b.errors) for b in read("id,title\n" + text))
        assert found >= lines / 2
        assert time.thread_time() - begin < 2


def test_numbers_are_read_as_the_first_rows_say_wherever_reading_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("engine.files.open_rows.MAX_BATCH_ROWS", 2)
    text = b"id,title,price\na,A,4.25\nb,B,5\nc,C,1.225\n"
    assert only_row(text, first_batch=1)["price"] == "1.225"
    unclear = text.replace(b"4.25", b"4.250")
    with open_rows(io.BytesIO(unclear), kind="items") as file:
        assert [error.code for batch in file for error in batch.errors] == 2 * ["ambiguous_price"]
    said = b'{"id": "a", "title": "A", "price": "1.225"}\n'
    assert only_row(said, first_batch=0)["price"] == "1.225"


def only_row(data: bytes, *, first_batch: int) -> dict[str, Any]:
    with open_rows(io.BytesIO(data), kind="items", first_batch=first_batch) as file:
        ((row,),) = (batch.rows for batch in file)
    return row
