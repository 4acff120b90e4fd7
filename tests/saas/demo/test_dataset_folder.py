"""A folder of CSV files is read as the API's items and events, or refused in one sentence."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest

from saas.demo.dataset_folder import DatasetError, DatasetFolder

ITEMS = "id,title\na-1,Atlas\n"
EVENTS = "type,user_id,item_id,ts\nview,u-1,a-1,2026-05-01T10:00:00Z\n"


def folder(path: Path, *, items: str = ITEMS, events: str = EVENTS) -> DatasetFolder:
    (path / "items.csv").write_text(items, encoding="utf-8")
    (path / "events.csv").write_text(events, encoding="utf-8")
    return DatasetFolder(path)


def test_item_columns_become_fields_lists_and_attributes(tmp_path: Path) -> None:
    items = (
        "id,title,categories,aliases,price,in_stock,brand,colour\n"
        'a-1,"Atlas, large",Books > Maps | Gifts,x1|x2,12.90,false,Acorn,blue\n'
        "a-2,Bookmark,,,,,,\n"
    )
    assert list(folder(tmp_path, items=items).items()) == [
        {
            "id": "a-1",
            "title": "Atlas, large",
            "categories": ["Books > Maps", "Gifts"],
            "aliases": ["x1", "x2"],
            "price": "12.90",
            "in_stock": False,
            "brand": "Acorn",
            "attributes": {"colour": "blue"},
        },
        {
            "id": "a-2",
            "title": "Bookmark",
            **dict.fromkeys(("categories", "aliases", "price", "brand")),
            "attributes": {"colour": None},
        },
    ]


def test_an_event_keeps_its_filled_cells(tmp_path: Path) -> None:
    events = (
        "event_id,type,user_id,item_id,ts,order_id,quantity,price,currency\n"
        "e-1,purchase,u-1,a-1,2026-05-01T10:00:00Z,o-1,3,12.90,GBP\n"
        "e-2,view,u-1,a-1,2026-05-01T10:00:00Z,,,,\n"
    )
    bought, seen = folder(tmp_path, events=events).events()
    assert bought == {
        "event_id": "e-1",
        "type": "purchase",
        "user_id": "u-1",
        "ts": "2026-05-01T10:00:00Z",
        "order_id": "o-1",
        "currency": "GBP",
        "item_id": "a-1",
        "quantity": "3",
        "price": "12.90",
    }
    assert seen == {
        "event_id": "e-2",
        "type": "view",
        "user_id": "u-1",
        "item_id": "a-1",
        "ts": "2026-05-01T10:00:00Z",
    }


def test_files_may_be_gzipped_and_start_with_a_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / "items.csv.gz").write_bytes(gzip.compress(("\ufeff" + ITEMS).encode()))
    (tmp_path / "events.csv.gz").write_bytes(gzip.compress(("\ufeff" + EVENTS).encode()))
    found = DatasetFolder(tmp_path)
    assert [item["id"] for item in found.items()] == ["a-1"]
    assert [event["type"] for event in found.events()] == ["view"]


def test_counts_are_of_rows_not_of_lines(tmp_path: Path) -> None:
    found = folder(tmp_path, items='id,title\na-1,"two\nlines"\n\na-2,Atlas\n')
    assert (found.item_count, found.event_count) == (2, 1)


@pytest.mark.parametrize(
    ("items", "events", "sentence"),
    [
        ("", EVENTS, "items.csv: The file is empty; send one with a header and rows."),
        (
            ITEMS,
            "type,customer,item_id,ts\n",
            "events.csv, line 1: no column 'user_id' (found: type, customer, item_id, ts);"
            " name the columns type, user_id, item_id, ts there.",
        ),
        ("id,title,id\n", EVENTS, "items.csv: Column 'id' stands twice in the header; keep one."),
    ],
)
def test_a_wrong_header_is_refused_before_anything_is_read(
    tmp_path: Path, items: str, events: str, sentence: str
) -> None:
    with pytest.raises(DatasetError, match=re.escape(sentence)):
        folder(tmp_path, items=items, events=events)


def test_a_missing_file_is_named_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "items.csv").write_text(ITEMS, encoding="utf-8")
    with pytest.raises(DatasetError, match=r"no events\.csv or events\.csv\.gz; put the file"):
        DatasetFolder(tmp_path)
    with pytest.raises(DatasetError, match="is no folder; give one that holds"):
        DatasetFolder(tmp_path / "elsewhere")


@pytest.mark.parametrize(
    ("column", "cell", "sentence"),
    [
        ("in_stock", "maybe", "line 3, column in_stock: 'maybe'; Write 'in stock' or"),
        ("brand", "Acorn,Co", "line 3: 'Co'; The row has 4 cells where the header has 3"),
    ],
)
def test_a_bad_item_cell_is_named_by_line_column_and_value(
    tmp_path: Path, column: str, cell: str, sentence: str
) -> None:
    items = f"id,title,{column}\na-1,Atlas,\na-2,Globe,{cell}\n"
    with pytest.raises(DatasetError, match=re.escape(sentence)):
        folder(tmp_path, items=items)


def test_a_bad_quantity_is_named_by_line_column_and_value(tmp_path: Path) -> None:
    events = "type,user_id,item_id,ts,quantity\npurchase,u-1,a-1,2026-05-01T10:00:00Z,two\n"
    sentence = "events.csv, line 2, column quantity: 'two'; Write a number such as 2."
    with pytest.raises(DatasetError, match=re.escape(sentence)):
        folder(tmp_path, events=events)


def test_bytes_that_are_no_utf8_are_named(tmp_path: Path) -> None:
    folder(tmp_path)
    (tmp_path / "items.csv").write_bytes(b"id,title\na-1,Caf\xe9\n")
    with pytest.raises(DatasetError, match=r"items\.csv, line 2: .*0xe9, which is not UTF-8; save"):
        DatasetFolder(tmp_path)


def test_a_truncated_gzip_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "items.csv").write_text(ITEMS, encoding="utf-8")
    (tmp_path / "events.csv.gz").write_bytes(gzip.compress(EVENTS.encode())[:-12])
    with pytest.raises(DatasetError, match=r"events\.csv\.gz: The gzip file does not unpack"):
        DatasetFolder(tmp_path)


def test_an_open_quote_is_refused_instead_of_swallowing_the_rest(tmp_path: Path) -> None:
    items = 'id,title\na-1,"Atlas\na-2,Globe\n'
    with pytest.raises(DatasetError, match=r"items\.csv, line 2: .* A quote opens a cell"):
        folder(tmp_path, items=items)
