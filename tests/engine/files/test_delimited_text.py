"""CSV and TSV as exports, spreadsheets and editors leave them."""

from __future__ import annotations

import codecs
import csv
import io
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saas.lib.errors import ImportTooLarge, UnreadableFile
from tests.engine.files.reading import errors, only_batch, read, rows

PAN = [{"id": "pan-24", "title": "Pän"}]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_header_tells_the_delimiter(delimiter: str) -> None:
    assert rows(f"id{delimiter}title\npan-24{delimiter}Pän\n") == PAN


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_any_line_end_is_read_and_the_last_may_be_missing(end: str) -> None:
    text = f"id,title{end}{end}pan-24,Pän"
    assert rows(text) == rows(text + end) == PAN


@pytest.mark.parametrize(
    "data",
    [
        codecs.BOM_UTF8 + "id,title\npan-24,Pän\n".encode(),
        "id,title\npan-24,Pän\n".encode("utf-16"),
        codecs.BOM_UTF16_BE + "id,title\npan-24,Pän\n".encode("utf-16-be"),
        "id,title\npan-24,Pän\n".encode("utf-16-le"),
        "id,title\npan-24,Pän\n".encode("utf-16-be"),
    ],
    ids=["utf-8 mark", "utf-16 mark", "utf-16-be mark", "utf-16-le", "utf-16-be"],
)
def test_unicode_is_read_with_and_without_a_mark(data: bytes) -> None:
    assert rows(data) == PAN


def test_excels_hint_at_the_delimiter_is_no_header() -> None:
    batch = only_batch("sep=;\r\nid;title\r\na;1,5 l Pot\r\n")
    assert (batch.rows, batch.lines) == ([{"id": "a", "title": "1,5 l Pot"}], [3])


def test_a_quoted_line_end_stays_in_the_cell_and_counts_as_a_line() -> None:
    batch = only_batch('id,title\na,"two\r\nlines, ""quoted"""\nb,Pot\n')
    assert [row["title"] for row in batch.rows] == ['two\r\nlines, "quoted"', "Pot"]
    assert batch.lines == [2, 4]


def test_empty_cells_that_hang_over_do_not_matter_and_others_do() -> None:
    text = "id,title,,\na,Pot,,\nb,Pan,,,\n,,,,\nc,Lid,x\nd\n"
    batch = only_batch("id,title\na,Pot,,\n,\nb,Pan,5 l\nc\n")
    assert batch.rows == [{"id": "a", "title": "Pot"}]
    assert [(e.line, e.value, e.code) for e in batch.errors] == [
        (4, "5 l", "wrong_cell_count"),
        (5, "c", "wrong_cell_count"),
    ]
    assert [row["id"] for batch in read(text) for row in batch.rows] == ["a", "b"]


def test_one_open_quote_costs_one_row_not_the_rest_of_the_file() -> None:
    text = 'id,title\na,"12 inch" pan\nb,"open\nc,Pot\nd,"Lid"\ne,Cup\n'
    batch = only_batch(text)
    assert [row["id"] for row in batch.rows] == ["c", "d", "e"]
    assert [(e.line, e.value, e.code) for e in batch.errors] == [
        (2, 'a,"12 inch" pan', "bad_quoting"),
        (3, 'b,"open', "bad_quoting"),
    ]


def test_a_quote_that_never_closes_is_told_at_its_own_line() -> None:
    many = "".join(f"k{number},Pot\n" for number in range(30_000))
    batches = list(read(f'id,title\nb,"open\n{many}'))
    assert sum(len(batch.rows) for batch in batches) == 30_000
    assert [(e.line, e.code) for b in batches for e in b.errors] == [(2, "bad_quoting")]


@pytest.mark.parametrize("size", [65_536, 400_000])
def test_a_line_over_64_kb_is_one_bad_row_wherever_it_stands(size: int) -> None:
    long = "b," + "x" * size
    for text in (
        f"id,title\n{long}\na,Pot\n",
        f"id,title\na,Pot\n{long}\n",
        f"id,title\na,Pot\n{long}",
    ):
        (batch,) = read(text)
        assert [row["id"] for row in batch.rows] == ["a"]
        assert [e.code for e in batch.errors] == ["line_too_long"]
        assert {*batch.lines, batch.errors[0].line} == {2, 3}


def test_a_row_of_64_kb_is_read() -> None:
    title = "x" * (65_536 - 3)
    assert rows(f"id,title\na,{title}\n") == [{"id": "a", "title": title}]


def test_bytes_that_are_no_utf8_cost_their_row_and_are_named() -> None:
    batch = only_batch(b"id,title\na,Pot\nb,Caf\xe9\nc,Pan\n")
    assert [row["id"] for row in batch.rows] == ["a", "c"]
    (error,) = batch.errors
    assert (error.line, error.value, error.code) == (3, "b,Caf", "invalid_text")
    assert "0xe9" in error.detail


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf\r\n \n", "is empty"),
        (b"id,title,id\na,b,c\n", "Column 'id' stands twice"),
        (
            b"sku,title\na,b\n",
            'no column \'id\' \\(found: sku, title\\); .* such as \\{"id": "sku"\\}',
        ),
        (b"id,ti\xe9tle\na,b\n", "header cannot be read"),
        (b'"id,title\na,b\n', "quotes in the header"),
        (b"id," + b"x" * 70_000 + b"\na,b\n", "header cannot be read"),
        (b"id,a\0b\n1,2\n", "NUL"),
        ("id,title\na,b\n".encode("utf-16")[:-1], "begins as UTF-16"),
    ],
)
def test_a_file_that_is_no_table_is_refused_whole(data: bytes, sentence: str) -> None:
    with pytest.raises(UnreadableFile, match=sentence):
        list(read(data))


def test_a_header_of_over_200_columns_is_too_large() -> None:
    names = ",".join(f"c{number}" for number in range(200))
    with pytest.raises(ImportTooLarge, match="201 columns"):
        read(f"id,{names}\n")


def test_a_header_alone_has_no_rows() -> None:
    assert rows("id,title\n") == []


_CELL = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), min_size=1, max_size=12
).filter(lambda text: bool(text.strip()) and text == text.strip() and text[0] != "'")


@given(
    table=st.lists(st.tuples(_CELL, _CELL, _CELL), min_size=1, max_size=8),
    delimiter=st.sampled_from([",", ";", "\t"]),
    end=st.sampled_from(["\n", "\r\n"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_what_a_csv_writer_writes_is_read_back(
    table: list[tuple[str, str, str]], delimiter: str, end: str, quoting: int
) -> None:
    file = io.StringIO()
    writer = csv.writer(file, delimiter=delimiter, lineterminator=end, quoting=quoting)  # type: ignore[arg-type]
    writer.writerows([("id", "title", "description"), *table])
    expected = [{"id": a, "title": b, "description": c} for a, b, c in table]
    assert rows(file.getvalue()) == expected


def test_a_formula_that_an_export_disarmed_is_itself_again() -> None:
    assert rows("id,title\na,'=1+1\nb,'tis\n") == [
        {"id": "a", "title": "=1+1"},
        {"id": "b", "title": "'tis"},
    ]


def test_script_stays_text_and_its_address_is_refused() -> None:
    assert rows("id,title\na,<script>alert(1)</script>\n") == [
        {"id": "a", "title": "<script>alert(1)</script>"}
    ]
    assert errors("id,title,url\na,Pot,javascript:alert(1)\n") == [
        (2, "url", "javascript:alert(1)", "invalid_url")
    ]


def test_a_quoted_line_end_is_read_wherever_a_block_ends() -> None:
    # Blocks are of 256 kB, so that several of these rows lie across an end of one.
    text = "id,title\n" + "".join(
        f'k{n},"{"x" * (1 + n % 60)}\n{"y" * (n % 90)}\n"\n' for n in range(20_000)
    )
    batches = list(read(text))
    assert [error for batch in batches for error in batch.errors] == []
    assert [line for batch in batches for line in batch.lines] == list(range(2, 60_002, 3))


def test_a_row_of_many_lines_has_at_most_64_kb_as_well() -> None:
    title = "x" * 30_000
    batch = only_batch(f'id,title\na,"{title}\n{title}"\nb,"{title}\n{title}\n{title}"\nc,Pot\n')
    assert [row["id"] for row in batch.rows] == ["a", "c"]
    assert [(e.line, e.value, e.code) for e in batch.errors] == [(4, "b", "line_too_long")]


def test_a_line_of_many_megabytes_is_never_held() -> None:
    data = b"id,title\na," + b"x" * 12_000_000 + b"\nb,Pot\n"
    tracemalloc.start()
    batches = list(read(data))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [row["id"] for batch in batches for row in batch.rows] == ["b"]
    assert peak < 4_000_000
