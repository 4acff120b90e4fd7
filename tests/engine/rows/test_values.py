"""Single values as shops send them."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from engine.rows.values import (
    BadValue,
    read_attributes,
    read_id,
    read_price,
    read_quantity,
    read_time,
    read_url,
)


def _code(reader: Any, value: Any) -> str:
    with pytest.raises(BadValue) as caught:
        reader(value)
    return caught.value.code


@pytest.mark.parametrize(
    ("value", "amount"),
    [
        ("12.90", "12.9000"),
        ("0", "0.0000"),
        (0.1, "0.1000"),
        (1e-7, "0.0000"),
        (12, "12.0000"),
        ("9999999999.9999", "9999999999.9999"),
    ],
)
def test_a_price_is_read_to_four_decimals(value: Any, amount: str) -> None:
    assert read_price(value) == Decimal(amount)


@pytest.mark.parametrize(
    "value",
    [
        *("", "abc", "12,90", "1e3", "NaN", "-1", "10000000000", "٣", " 1", True, None, [], 1e300),
        # Rounded to four decimals, it has eleven digits.
        "9999999999.99999",
    ],
)
def test_what_is_no_price_is_refused(value: Any) -> None:
    assert _code(read_price, value) == "invalid_price"


@pytest.mark.parametrize("value", [0, -1, "x", 1e12, False, "0.0004", 1e-320, "999999999.9999"])
def test_a_quantity_is_above_nothing(value: Any) -> None:
    assert _code(read_quantity, value) == "invalid_quantity"


@pytest.mark.parametrize(
    ("value", "hour"),
    [
        ("2024-05-01T13:02:11+02:00", 11),
        ("2024-05-01T13:02:11Z", 13),
        ("2024-05-01t13:02:11z", 13),
        ("2024-05-01 13:02:11.000-05:00", 18),
    ],
)
def test_a_time_is_read_with_its_offset(value: str, hour: int) -> None:
    assert read_time(value) == datetime(2024, 5, 1, hour, 2, 11, tzinfo=UTC)


@pytest.mark.parametrize(
    "value",
    [
        "2024-05-01T13:02:11",
        "2024-05-01",
        "2024-W18-3T13:02:11Z",
        "2024-02-30T00:00:00Z",
        "2024-05-01T24:00:01Z",
        "2024-05-01T13:02:11+99:00",
        "9999-12-31T23:59:59-12:00",
        "٢٠٢٤-05-01T13:02:11Z",
        1714560131,
        datetime(2024, 5, 1),  # noqa: DTZ001  # naive is the point
    ],
)
def test_what_is_no_moment_is_refused(value: Any) -> None:
    assert _code(read_time, value) == "invalid_datetime"


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (7, "invalid_type"),
        ("", "missing_field"),
        ("x" * 257, "id_too_long"),
        ("a\0", "invalid_text"),
        ("a\nb", "invalid_text"),
        ("a\udc80", "invalid_text"),
    ],
)
def test_what_is_no_id_is_refused(value: Any, code: str) -> None:
    assert _code(read_id, value) == code


@pytest.mark.parametrize(
    "value",
    ["", "/pan", "javascript:alert(1)", "ftp://host/x", "https://", "http://[", "https://a\nb"],
)
def test_an_address_leads_to_a_page(value: str) -> None:
    assert _code(read_url, value) == "invalid_url"


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ({"a/b": {}}, "/a~1b"),
        ({"list": [[1]]}, "/list"),
        ({"list": [None]}, "/list"),
        ({"": 1}, "/"),
        ({"x" * 129: 1}, "/" + "x" * 129),
    ],
)
def test_an_attribute_is_plain_and_named(value: Any, path: str) -> None:
    with pytest.raises(BadValue) as caught:
        read_attributes(value)
    assert caught.value.path == path
