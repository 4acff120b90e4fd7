"""Google Merchant's TSV, and the product exports of Shopify and WooCommerce."""

from __future__ import annotations

import csv
import io

import pytest

from engine.files import woocommerce
from engine.rows.item_row import ItemRow, read_item_row
from engine.rows.reading import Place
from saas.lib.errors import InvalidParameter, UnreadableFile
from tests.engine.files.reading import only_batch, read, rows


def table(*records: dict[str, str]) -> str:
    """Write records with all of their columns."""
    columns = list(dict.fromkeys(name for record in records for name in record))
    file = io.StringIO()
    writer = csv.DictWriter(file, columns, restval="")
    writer.writeheader()
    writer.writerows(records)
    return file.getvalue()


def test_a_merchant_table_is_known_by_its_header() -> None:
    text = (
        "id\tTitle\timage link\tprice\tsale_price\tavailability\tgoogle_product_category\tgtin\n"
        "a\tPan\thttps://acorn.example/a.jpg\t12,90 EUR\t\tpreorder\tHome > Kitchen\t40063\n"
    )
    assert read(text).format == "google_merchant"
    assert rows(text) == [
        {
            "id": "a",
            "title": "Pan",
            "image_url": "https://acorn.example/a.jpg",
            "price": "12.90",
            "list_price": None,
            "currency": "EUR",
            "in_stock": True,
            "categories": ["Home > Kitchen"],
            "attributes": {"google_product_category": "Home > Kitchen", "gtin": "40063"},
        }
    ]


BOOT = {
    "Handle": "boot",
    "Title": "Boot",
    "Body (HTML)": "<p>Warm &amp; dry</p><script>x()</script>",
    "Vendor": "Ember",
    "Type": "Shoes",
    "Tags": "winter, new",
    "Published": "true",
    "Option1 Name": "Size",
    "Option1 Value": "40",
    "Variant SKU": "'0123",
    "Variant Inventory Tracker": "shopify",
    "Variant Inventory Qty": "0",
    "Variant Inventory Policy": "deny",
    "Variant Price": "99.00",
    "Variant Compare At Price": "120.00",
    "Image Src": "https://birch.example/1.jpg",
    "Status": "active",
    "Google Shopping / Gender": "unisex",
    "Fabric (product.metafields.custom.fabric)": "wool",
}


def test_shopify_fills_a_product_down_over_its_variants() -> None:
    text = table(
        BOOT,
        {"Handle": "boot", "Option1 Value": "41", "Variant Price": "99.00"},
        {"Handle": "boot", "Image Src": "https://birch.example/2.jpg"},
    )
    assert read(text).format == "shopify"
    first, second = rows(text)
    shared = {
        "title": "Boot",
        "description": "Warm & dry",
        "categories": ["Shoes"],
        "brand": "Ember",
        "group_id": "boot",
        "price": "99.00",
        "image_url": "https://birch.example/1.jpg",
        "recommendable": True,
    }
    common = {"gender": "unisex", "fabric": "wool", "tags": ["winter", "new"]}
    assert first == shared | {
        "id": "0123",
        "aliases": ["boot/40"],
        "list_price": "120.00",
        "in_stock": False,
        "attributes": {"Size": "40"} | common,
    }
    assert second == shared | {
        "id": "boot/41",
        "aliases": [],
        "list_price": None,
        "in_stock": True,
        "attributes": {"Size": "41"} | common,
    }
    assert all(
        isinstance(read_item_row(row, Place(noun="Item")), ItemRow) for row in (first, second)
    )


@pytest.mark.parametrize(
    ("changes", "is_recommendable"),
    [
        ({"Status": "draft"}, False),
        ({"Status": "archived"}, False),
        ({"Published": "FALSE"}, False),
    ],
)
def test_shopify_drafts_are_not_recommended(
    *, changes: dict[str, str], is_recommendable: bool
) -> None:
    (row,) = rows(table(BOOT | changes))
    assert row["recommendable"] is is_recommendable


@pytest.mark.parametrize(
    ("changes", "is_in_stock"),
    [
        ({"Variant Inventory Qty": "3"}, True),
        ({"Variant Inventory Policy": "continue"}, True),
        ({"Variant Inventory Tracker": ""}, True),
        ({"Variant Inventory Qty": "-2"}, False),
    ],
)
def test_shopify_counts_stock_where_it_is_tracked(
    *, changes: dict[str, str], is_in_stock: bool
) -> None:
    (row,) = rows(table(BOOT | changes))
    assert row["in_stock"] is is_in_stock


def test_shopify_names_a_product_without_options_and_sku_by_its_handle() -> None:
    mug = {"Handle": "mug", "Title": "Mug", "Option1 Value": "Default Title", "Variant Price": "5"}
    (row,) = rows(table(mug))
    assert (row["id"], row["group_id"], row["aliases"]) == ("mug", "mug", [])


def test_shopifys_newer_names_are_known() -> None:
    text = table(
        {"URL handle": "mug", "Title": "Mug", "SKU": "m", "Price": "x", "Inventory quantity": "0"}
    )
    batch = only_batch(text)
    assert [(e.line, e.column, e.value, e.code) for e in batch.errors] == [
        (2, "Price", "x", "invalid_price")
    ]


def test_a_shopify_row_without_handle_or_first_row_is_told() -> None:
    text = table(BOOT | {"Handle": ""}, {"Handle": "hat", "Variant Price": "5"})
    assert [(e.line, e.column, e.code) for e in only_batch(text).errors] == [
        (2, "Handle", "missing_field"),
        (3, "Handle", "missing_field"),
    ]


TEE = {
    "ID": "10",
    "Type": "variable",
    "SKU": "TEE",
    "Name": "Tee",
    "Published": "1",
    "Visibility in catalog": "visible",
    "Short description": "<b>Soft</b>",
    "Categories": "Clothing > Tees, Sale \\, new",
    "Images": "https://birch.example/a.jpg, https://birch.example/b.jpg",
    "Attribute 1 name": "Size",
    "Attribute 1 value(s)": "S, M",
    "In stock?": "1",
    "Sale price": "",
    "Regular price": "",
    "Parent": "",
}
SMALL = {
    "ID": "11",
    "Type": "variation",
    "SKU": "TEE-S",
    "Name": "Tee - S",
    "Published": "1",
    "In stock?": "backorder",
    "Sale price": "8",
    "Regular price": "10.00",
    "Parent": "TEE",
    "Attribute 1 name": "Size",
    "Attribute 1 value(s)": "S",
}


def test_woocommerce_joins_variations_to_their_parent() -> None:
    medium = SMALL | {"ID": "12", "SKU": "", "Parent": "id:10", "Attribute 1 value(s)": "M"}
    text = table(TEE, SMALL, medium | {"In stock?": "0", "Sale price": ""})
    assert read(text).format == "woocommerce"
    first, second = rows(text)
    assert first == {
        "id": "TEE-S",
        "title": "Tee - S",
        "description": "Soft",
        "categories": ["Clothing > Tees", "Sale , new"],
        "image_url": "https://birch.example/a.jpg",
        "price": "8",
        "list_price": "10.00",
        "in_stock": True,
        "recommendable": True,
        "group_id": "TEE",
        # Its own number, and the product's, which no item of its own has.
        "aliases": ["11", "10"],
        "attributes": {"Size": "S"},
    }
    assert (second["id"], second["group_id"], second["aliases"]) == ("12", "TEE", [])
    assert (second["price"], second["list_price"], second["in_stock"]) == ("10.00", None, False)
    assert second["attributes"] == {"Size": "M"}


def test_a_variation_whose_parent_is_not_there_leaves_alone_what_it_does_not_know() -> None:
    (row,) = rows(table(SMALL | {"Categories": "", "Images": "", "Parent": "id:99"}))
    assert row["group_id"] == "99"
    assert not {"categories", "image_url"} & row.keys()


@pytest.mark.parametrize(
    "changes", [{"Published": "-1"}, {"Published": "0"}, {"Visibility in catalog": "hidden"}]
)
def test_hidden_woocommerce_products_are_not_recommended(changes: dict[str, str]) -> None:
    (alone,) = rows(table(TEE | {"Type": "simple"} | changes))
    (joined,) = rows(table(TEE | changes, SMALL))
    assert (alone["recommendable"], joined["recommendable"]) == (False, False)


def test_a_mapping_wins_over_a_formats_own_names() -> None:
    (row,) = rows(table(BOOT | {"Shop id": "77"}), mapping={"id": "Shop id"})
    assert row["id"] == "77"


def test_a_format_that_does_not_fit_is_refused() -> None:
    with pytest.raises(InvalidParameter, match="is of products"):
        read("type\nview\n", "events", format="shopify")
    with pytest.raises(InvalidParameter, match="is not known"):
        read("id\na\n", format="magento")
    with pytest.raises(UnreadableFile, match="The file is XML"):
        read("<rss/>", format="shopify")
    assert rows("id,price\na,5\n", format="google_merchant") == [{"id": "a", "price": "5"}]
    with pytest.raises(UnreadableFile, match="not those of 'shopify'"):
        read("id,title\na,b\n", format="shopify")


def test_what_the_rows_reader_refuses_is_told_by_the_exports_own_column() -> None:
    batch = only_batch(table(BOOT | {"Variant SKU": "x" * 300}))
    found = read_item_row(batch.rows[0], Place(noun="Item", pointer="/items/0", index=0))
    assert isinstance(found, list)
    error = batch.explain(found[0], index=0)
    assert (error.line, error.column, error.code) == (2, "Variant SKU", "id_too_long")


def test_only_the_latest_parents_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(woocommerce, "_MAX_PARENTS", 1)
    other = TEE | {"ID": "20", "SKU": "CAP", "Name": "Cap"}
    (row,) = rows(table(TEE, SMALL))
    (late,) = rows(table(TEE, other, SMALL))
    assert ("description" in row, "description" in late) == (True, False)
    assert row["group_id"] == late["group_id"] == "TEE"
