"""Finds out what a file is: how its rows are packed, and whose names its columns have."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal, get_args

from engine.files.byte_source import ByteSource
from engine.files.cells import Kind
from engine.files.delimited_text import DelimitedText
from engine.files.google_merchant import GoogleMerchant, has_merchant_id, is_google_merchant
from engine.files.json_lines import JsonLines
from engine.files.merchant_xml import MerchantXml
from engine.files.parquet_table import ParquetTable
from engine.files.records import Container, Dialect
from engine.files.shopify import Shopify, is_shopify
from engine.files.times import Times
from engine.files.woocommerce import WooCommerce, is_woocommerce
from saas.lib.errors import InvalidParameter, UnreadableFile

Format = Literal["auto", "plain", "google_merchant", "shopify", "woocommerce"]

_MARKS = b"\xef\xbb\xbf\xff\xfe\xfe\xff\0 \t\r\n"


def container_of(source: ByteSource) -> Container:
    """Return the reader of a file's rows, by what the file begins with.

    Raises
    ------
    UnreadableFile
        It is none of the formats of an import.
    """
    head = source.head
    if head.startswith(b"PAR1"):
        return ParquetTable(source)
    first = head.lstrip(_MARKS)[:1]
    if first == b"<":
        return MerchantXml(source)
    if first == b"{":
        return JsonLines(source)
    if first == b"[":
        raise UnreadableFile(
            "The file begins with a JSON list; write one object on each line (NDJSON)."
        )
    return DelimitedText(source)


def format_of(
    container: Container, *, kind: Kind, asked: Format, mapping: Mapping[str, str]
) -> Format:
    """Return whose names the columns have; never "auto".

    Raises
    ------
    InvalidParameter
        No such format, or one of products for rows of another kind.
    UnreadableFile
        The file is not of the format that was asked for.
    """
    if asked not in get_args(Format):
        formats = ", ".join(get_args(Format))
        raise InvalidParameter(
            f"format '{asked[:80]}' is not known; send one of {formats}.", pointer="/format"
        )
    if kind != "items" and asked not in {"auto", "plain"}:
        raise InvalidParameter(
            f"format '{asked}' is of products; send {kind} as 'plain'.", pointer="/format"
        )
    is_feed = isinstance(container, MerchantXml)
    if is_feed and (kind != "items" or asked not in {"auto", "google_merchant"}):
        raise UnreadableFile("The file is XML; only items as a Google Merchant feed come as XML.")
    if asked != "auto":
        _check_named_as(asked, container.columns, mapping)
        return asked
    if is_feed:
        return "google_merchant"
    return _named_as(container.columns) if kind == "items" and container.columns else "plain"


def _check_named_as(
    asked: Format, columns: tuple[str, ...] | None, mapping: Mapping[str, str]
) -> None:
    if columns is None or "id" in mapping:
        return
    is_named = {
        "google_merchant": has_merchant_id,
        "shopify": is_shopify,
        "woocommerce": is_woocommerce,
    }.get(asked)
    if is_named is not None and not is_named(columns):
        found = ", ".join(columns)[:300]
        raise UnreadableFile(
            f"The columns are not those of '{asked}' (found: {found}); send format 'auto'."
        )


def _named_as(columns: tuple[str, ...]) -> Format:
    if is_shopify(columns):
        return "shopify"
    if is_woocommerce(columns):
        return "woocommerce"
    return "google_merchant" if is_google_merchant(columns) else "plain"


def dialect_of(
    format: Format, *, mapping: Mapping[str, str], times: Times, now: datetime
) -> Dialect | None:
    """Return the reader of a shop system's names; None where they are ours."""
    if format == "google_merchant":
        return GoogleMerchant(now=now, times=times, mapping=mapping)
    if format == "shopify":
        return Shopify(mapping=mapping)
    if format == "woocommerce":
        return WooCommerce(now=now, times=times, mapping=mapping)
    return None
