"""NDJSON, Parquet and Google Merchant's XML."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from saas.lib.errors import ImportTooLarge, UnreadableFile
from tests.engine.files.reading import errors, only_batch, read, rows

GOOGLE = 'xmlns:g="http://base.google.com/ns/1.0"'


def parquet(columns: dict[str, Any], **options: Any) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.table(columns), file, **options)
    return file.getvalue()


def rss(items: str) -> str:
    head = f'<?xml version="1.0"?>\n<rss {GOOGLE}><channel><title>Acorn</title>\n'
    return f"{head}{items}</channel></rss>"


def test_ndjson_is_the_apis_rows_read_leniently() -> None:
    text = (
        '{"id": 7, "title": "Pan", "price": 12.9, "in_stock": "yes"}\n\n{"id":"b","brand":null}\n'
    )
    batch = only_batch(text)
    assert batch.rows == [
        {"id": "7", "title": "Pan", "price": 12.9, "in_stock": True},
        {"id": "b", "brand": None},
    ]
    assert batch.lines == [1, 3]


def test_an_unknown_member_in_ndjson_is_left_to_be_refused() -> None:
    assert rows('{"id": "a", "colour": "red"}') == [{"id": "a", "colour": "red"}]


def test_bad_lines_of_ndjson_are_told_one_by_one() -> None:
    lines = [
        '{"id": "a"',
        '{"id": "a", "price": NaN}',
        '{"id": "a", "id": "b"}',
        '{"id": "\\ud800"}',
        "[1]",
        '{"id": ' + "[" * 40 + "]" * 40 + "}",
        '{"id": "' + "x" * 66_000 + '"}',
        '{"id": "a", "price": "x"}',
    ]
    told = [
        (line, column, code) for line, column, _, code in errors("\n".join(['{"id":"0"}', *lines]))
    ]
    assert sorted(told) == [
        (2, "", "malformed_json"),
        (3, "", "malformed_json"),
        (4, "", "malformed_json"),
        (5, "", "malformed_json"),
        (6, "", "invalid_type"),
        (7, "", "too_deep"),
        (8, "", "line_too_long"),
        (9, "price", "invalid_price"),
    ]


def test_a_json_list_is_refused_with_the_way_out() -> None:
    with pytest.raises(UnreadableFile, match="one object on each line"):
        read('[{"id": "a"}]')


def test_parquet_has_typed_values() -> None:
    noon = datetime(2026, 5, 1, 12, tzinfo=UTC)
    data = parquet(
        {
            "id": pa.array([7, 8], pa.int64()),
            "title": pa.array(["Pan", "Pot"]).dictionary_encode(),
            "price": pa.array([Decimal("12.90"), None], pa.decimal128(10, 2)),
            "list_price": pa.array([15.5, float("nan")]),
            "categories": pa.array([["Home > Kitchen"], None]),
            "in_stock": [True, False],
            "source_updated_at": pa.array([noon, None], pa.timestamp("ns", "Europe/Berlin")),
            "available_from": pa.array([noon.date(), None], pa.date32()),
            "width": [24, None],
        }
    )
    assert rows(data, timezone="UTC") == [
        {
            "id": "7",
            "title": "Pan",
            "price": "12.90",
            "list_price": 15.5,
            "categories": ["Home > Kitchen"],
            "in_stock": True,
            "source_updated_at": "2026-05-01T12:00:00.000000Z",
            "available_from": "2026-05-01T00:00:00+00:00",
            "attributes": {"width": 24},
        },
        {
            "id": "8",
            "title": "Pot",
            "price": None,
            "list_price": None,
            "categories": None,
            "in_stock": False,
            "source_updated_at": None,
            "available_from": None,
            "attributes": {"width": None},
        },
    ]


def test_a_time_without_zone_in_parquet_needs_the_timezone() -> None:
    times = pa.array([datetime(2026, 5, 1, 12)], pa.timestamp("us"))  # noqa: DTZ001
    data = parquet({"type": ["view"], "user_id": [1.0], "item_id": [2], "ts": times})
    (row,) = rows(data, "events", timezone="Europe/Berlin")
    assert row == {
        "type": "view",
        "user_id": "1",
        "item_id": "2",
        "ts": "2026-05-01T12:00:00+02:00",
    }
    assert [error[0::3] for error in errors(data, "events")] == [(1, "invalid_datetime")]


def test_parquet_is_cut_like_other_files_and_tells_how_far_it_is() -> None:
    file = read(parquet({"id": [f"k{n}" for n in range(12_000)]}, row_group_size=3_500))
    batches = list(file)
    assert [len(batch.rows) for batch in batches] == [5_000, 5_000, 2_000]
    assert batches[-1].bytes_read == file.total_bytes
    assert only_batch(parquet({"id": ["a"]})).lines == [1]


def test_a_broken_or_oversized_parquet_file_is_refused() -> None:
    data = parquet({"id": [f"k{n}" for n in range(5_000)]})
    for broken in (data[:-20], b"PAR1" + bytes(500), data[:2_000] + bytes(3_000) + data[5_000:]):
        with pytest.raises(UnreadableFile, match="Parquet file cannot be read"):
            list(read(broken))
    with pytest.raises(ImportTooLarge, match="201 columns"):
        read(parquet({f"c{n}": [1] for n in range(201)}))
    assert errors(parquet({"id": ["a"], "title": ["x" * 66_000]})) == [
        (1, "", "a", "line_too_long")
    ]


def test_a_text_that_many_rows_of_a_small_parquet_file_share_stays_one_text() -> None:
    shared = pa.DictionaryArray.from_arrays(pa.array([0] * 5_000, pa.int32()), ["x" * 60_000])
    data = parquet({"id": [str(n) for n in range(5_000)], "title": shared})
    assert len(data) < 200_000
    batches = list(read(data))
    assert len({id(row["title"]) for batch in batches for row in batch.rows}) <= 5_000 / 250
    # What rows weigh once they are written out ends a batch: 16 MB and the last block.
    assert max(len(batch.rows) for batch in batches) <= 500


def test_an_rss_feed_is_read_item_by_item() -> None:
    feed = rss(
        "<item><title>News</title><g:title>Pan &amp; lid</g:title><g:id>p1</g:id>"
        "<link>https://acorn.example/p1?a=1&amp;b=2</link><g:price>12.90 EUR</g:price>\n"
        "<g:sale_price>9.90 EUR</g:sale_price>"
        "<g:sale_price_effective_date>2026-04-01T00:00Z/2026-06-01T00:00Z</g:sale_price_effective_date>"
        "<g:availability>in_stock</g:availability><g:item_group_id>pans</g:item_group_id>"
        "<g:product_type>Home &gt; Kitchen</g:product_type><g:product_type>Gifts</g:product_type>"
        "<g:shipping><g:price>4 EUR</g:price></g:shipping><g:color>red</g:color></item>\n"
        "<item><g:id>p2</g:id><g:title><![CDATA[<b>Pot</b>]]></g:title>"
        "<g:sale_price>3 EUR</g:sale_price><g:price>4 EUR</g:price><g:brand/>"
        "<g:sale_price_effective_date>2026-06-01/2026-07-01</g:sale_price_effective_date></item>"
    )
    batch = only_batch(feed, timezone="UTC")
    assert batch.rows == [
        {
            "id": "p1",
            "title": "Pan & lid",
            "url": "https://acorn.example/p1?a=1&b=2",
            "price": "9.90",
            "list_price": "12.90",
            "currency": "EUR",
            "in_stock": True,
            "group_id": "pans",
            "categories": ["Home > Kitchen", "Gifts"],
            "attributes": {"color": "red"},
        },
        {
            "id": "p2",
            "title": "<b>Pot</b>",
            "price": "4",
            "list_price": None,
            "currency": "EUR",
            "brand": None,
        },
    ]
    assert batch.lines == [3, 5]


def test_an_atom_feed_in_another_encoding_is_read() -> None:
    feed = (
        '<?xml version="1.0" encoding="ISO-8859-1"?><feed xmlns="http://www.w3.org/2005/Atom" '
        'xmlns:google="http://base.google.com/ns/1.0"><entry><google:id>1</google:id>'
        '<title>Käse</title><link href="https://acorn.example/1"/></entry></feed>'
    )
    assert rows(feed.encode("latin-1")) == [
        {"id": "1", "title": "Käse", "url": "https://acorn.example/1"}
    ]


def test_bad_items_of_a_feed_are_told_by_line_and_element() -> None:
    feed = rss(
        "<item><g:id>a</g:id><link>javascript:alert(1)</link></item>\n"
        "<item><g:id>b</g:id><g:sale_price>x</g:sale_price></item>\n"
        f"<item><g:id>c</g:id><g:title>{'x' * 66_000}</g:title></item>\n"
    )
    assert errors(feed) == [
        (3, "link", "javascript:alert(1)", "invalid_url"),
        (4, "sale_price", "x", "invalid_price"),
        (5, "", "c", "line_too_long"),
    ]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('<!DOCTYPE a [<!ENTITY b "c">]><rss>&b;</rss>', "document type or entities"),
        ('<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><rss>&b;</rss>', "document type"),
        ("<rss><channel><item>", "breaks off at line 1"),
        ("<rss><item><id>&nbsp;</id></item></rss>", "undefined entity"),
        ("<html><body/></html>", "no RSS or Atom feed"),
        ("<rss>" + "<a>" * 70, "nests deeper"),
        ("<rss><!-- " + "x" * 700_000, "does not end"),
        ("<rss><a b='" + "x" * 700_000, "does not end"),
    ],
)
def test_xml_that_attacks_or_breaks_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(UnreadableFile, match=sentence):
        list(read(text))


def test_xml_of_events_is_refused() -> None:
    with pytest.raises(UnreadableFile, match="only items"):
        read("<rss/>", "events")
