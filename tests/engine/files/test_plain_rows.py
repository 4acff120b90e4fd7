"""Columns by our names, or by a mapping, become rows in the API's shape."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from engine.files.open_rows import Batch
from engine.rows.event_row import Arrival, EventRow, read_event_row
from engine.rows.item_row import ItemRow, read_item_row
from engine.rows.reading import Place
from engine.rows.user_row import UserRow, read_user_row
from saas.lib.errors import InvalidParameter, UnreadableFile
from tests.engine.files.reading import errors, only_batch, read, rows


def test_an_item_in_full() -> None:
    text = (
        "ID,Title,categories,aliases,price,List Price,in_stock,available_from,group_id,colour\n"
        '7,Pan,Home>Kitchen | Gifts,x1|x2,"12,90 €",15 EUR,auf lager,2026-05-01,pans,red\n'
    )
    (row,) = rows(text, timezone="Europe/Berlin")
    assert row == {
        "id": "7",
        "title": "Pan",
        "categories": ["Home > Kitchen", "Gifts"],
        "aliases": ["x1", "x2"],
        "price": "12.90",
        "list_price": "15",
        "currency": "EUR",
        "in_stock": True,
        "available_from": "2026-05-01T00:00:00+02:00",
        "group_id": "pans",
        "attributes": {"colour": "red"},
    }
    assert isinstance(read_item_row(row, Place(noun="Item")), ItemRow)


def test_an_empty_cell_clears_and_an_absent_column_leaves_alone() -> None:
    text = "id,title,brand,price,categories,in_stock,recommendable,colour\na,Pot, ,,,,,\n"
    (row,) = rows(text)
    assert row == {
        "id": "a",
        "title": "Pot",
        "brand": None,
        "price": None,
        "categories": None,
        "attributes": {"colour": None},
    }
    assert isinstance(read_item_row(row, Place(noun="Item")), ItemRow)


def test_a_column_of_json_and_columns_of_their_own_are_attributes_together() -> None:
    text = 'id,attributes,colour\na,"{""width"": 24, ""colour"": ""blue""}",red\nb,,\n'
    assert [row["attributes"] for row in rows(text)] == [
        {"width": 24, "colour": "red"},
        {"colour": None},
    ]


@pytest.mark.parametrize(
    ("column", "hint"),
    [
        ("Timestamp", " (did you mean 'ts'?)"),
        ("recomendation", " (did you mean 'recommendation_id'?)"),
        # What is there already is not meant a second time.
        ("event", ""),
    ],
)
def test_a_column_of_events_that_is_left_out_hints_at_a_field(column: str, hint: str) -> None:
    file = read(f"type,user_id,item_id,{column}\n", "events")
    assert f"left out{hint};" in file.ignored_columns[column]


def test_an_event_leaves_its_empty_cells_out() -> None:
    text = (
        "type,user_id,item_id,ts,quantity,price,order_id,colour\n"
        "view,u-1,a,2026-05-01T10:00:00Z,,,,red\n"
        "purchase,u-1,a,1777629600,2 pcs,12.90 EUR,o-1,\n"
    )
    file = read(text, "events")
    assert file.ignored_columns == {
        "colour": "Column 'colour' is no field of events and was left out; name it in 'mapping' "
        "if it holds one."
    }
    (batch,) = file
    assert batch.rows == [
        {"type": "view", "user_id": "u-1", "item_id": "a", "ts": "2026-05-01T10:00:00Z"},
        {
            "type": "purchase",
            "user_id": "u-1",
            "item_id": "a",
            "ts": "2026-05-01T10:00:00+00:00",
            "quantity": "2",
            "price": "12.90",
            "currency": "EUR",
            "order_id": "o-1",
        },
    ]
    arrival = Arrival(received_at=datetime(2026, 5, 2, tzinfo=UTC))
    for row in batch.rows:
        event = read_event_row(row, index=0, pointer="", arrival=arrival, warnings=[])
        assert isinstance(event, EventRow)


def test_the_lines_and_the_context_of_an_event_are_json() -> None:
    text = (
        "type\torder_id\titems\tcontext\n"
        'purchase\to-1\t"[{""id"": ""a"", ""quantity"": 2}]"\t"{""page"": ""home""}"\n'
        "view\to-2\t[x\t\n"
    )
    batch = only_batch(text, "events")
    assert batch.rows[0]["items"] == [{"id": "a", "quantity": 2}]
    assert batch.rows[0]["context"] == {"page": "home"}
    assert [(e.line, e.column, e.code) for e in batch.errors] == [(3, "items", "malformed_json")]


def test_a_user_in_full() -> None:
    (row,) = rows("id,personalise,tier\n7,no,gold\n", "users")
    assert row == {"id": "7", "personalise": False, "attributes": {"tier": "gold"}}
    assert isinstance(read_user_row(row, Place(noun="User")), UserRow)


def test_a_mapping_names_their_columns() -> None:
    mapping = {"id": "SKU", "title": "Name", "in_stock": "Qty", "attributes.line": "Range"}
    text = "SKU,Name,Qty,Range,id\n7,Pan,0,Ember,ours\n"
    assert rows(text, mapping=mapping) == [
        {"id": "7", "title": "Pan", "in_stock": False, "attributes": {"line": "Ember"}}
    ]


def test_one_column_may_be_two_fields() -> None:
    mapping = {"id": "SKU", "group_id": "SKU"}
    assert rows("SKU\n7\n", mapping=mapping) == [{"id": "7", "group_id": "7"}]


def test_a_mapping_to_nothing_is_refused() -> None:
    with pytest.raises(UnreadableFile, match=r"no column 'sku', which the mapping names"):
        read("SKU\n7\n", mapping={"id": "sku"})
    with pytest.raises(InvalidParameter, match=r"'titel', which items do not have \(did you mean"):
        read("SKU\n7\n", mapping={"titel": "SKU"})
    with pytest.raises(InvalidParameter, match=r"'attributes\.x', which events do not have"):
        read("SKU\n7\n", "events", mapping={"attributes.x": "SKU"})


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        ("a,Pot,abc,,,", (2, "price", "abc", "invalid_price")),
        ('a,Pot,"1,299",,,', (2, "price", "1,299", "ambiguous_price")),
        ("a,Pot,5 EUR,USD,,", (2, "price", "5 EUR", "conflicting_fields")),
        ("a,Pot,5,Euros,,", (2, "currency", "Euros", "invalid_currency")),
        ("a,Pot,,,perhaps,", (2, "in_stock", "perhaps", "invalid_type")),
        ("a,Pot,,,,ftp://x/y", (2, "url", "ftp://x/y", "invalid_url")),
        ("a,Pot,,,,=cmd|' /C calc'!A0", (2, "url", "=cmd|' /C calc'!A0", "invalid_url")),
        (",Pot,,,,", (2, "id", "", "missing_field")),
        ("a, ,,,,", (2, "title", " ", "missing_field")),
        (f"a,Pot,{'9' * 200},,,", (2, "price", "9" * 79 + "…", "invalid_price")),
    ],
)
def test_a_bad_cell_is_told_by_line_column_value_and_code(
    cells: str, told: tuple[int, str, str, str]
) -> None:
    assert errors(f"id,title,price,currency,in_stock,url\n{cells}\n") == [told]


def test_a_bad_row_is_one_error_that_names_its_other_columns() -> None:
    (error,) = only_batch("id,price,in_stock,url\n,x,perhaps,z\n").errors
    assert error.column == "id"
    assert error.detail == "Fill in the id. Wrong as well: price, in_stock, url."


def _refused(batch: Batch) -> list[tuple[int, str, str, str]]:
    """Return what the row's own reader says of each row, in the file's words."""
    told = []
    for index, row in enumerate(batch.rows):
        found = read_item_row(row, Place(noun="Item", pointer=f"/items/{index}", index=index))
        if not isinstance(found, ItemRow):
            error = batch.explain(found[0], index=index)
            told.append((error.line, error.column, error.value, error.code))
    return told


def test_what_the_rows_reader_refuses_is_told_in_the_files_words() -> None:
    long = "x" * 300
    text = f"SKU,title,Range\n{long},Pot,\nb,P\0t,\nc,Pan,Em\0ber\nd,Lid,ok\n"
    batch = only_batch(text, mapping={"id": "SKU"})
    assert _refused(batch) == [
        (2, "SKU", "x" * 79 + "…", "id_too_long"),
        (3, "title", "P�t", "invalid_text"),
        (4, "Range", "Em�ber", "invalid_text"),
    ]


def test_a_line_of_an_event_is_told_by_the_column_of_the_lines() -> None:
    batch = only_batch('type,order_id,lines\nview,o,"[{}]"\n', "events", mapping={"items": "lines"})
    arrival = Arrival(received_at=datetime(2026, 5, 2, tzinfo=UTC))
    found = read_event_row(
        batch.rows[0], index=0, pointer="/events/{index}", arrival=arrival, warnings=[]
    )
    assert isinstance(found, list)
    error = batch.explain(found[0], index=0)
    assert (error.line, error.column, error.value) == (2, "lines", "[{}]")
    assert error.code == "missing_field"
