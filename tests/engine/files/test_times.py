"""Times as shops' systems write them."""

from __future__ import annotations

import pytest

from engine.files.times import Times
from engine.rows.values import BadValue, read_time
from saas.lib.errors import InvalidParameter

# 13:02:11 in Berlin, in summer.
MOMENT = read_time("2024-05-01T11:02:11Z")


@pytest.mark.parametrize(
    "text",
    [
        "2024-05-01T11:02:11Z",
        "2024-05-01 13:02:11 +0200",
        "2024-05-01 13:02:11+02",
        "2024/05/01 11:02:11 UTC",
        "2024-05-01T13:02:11.000000+0200",
        "Wed, 01 May 2024 13:02:11 +0200",
        "1714561331",
        "1714561331.0",
        "1714561331000",
        "1714561331000000",
        "1714561331000000000",
        "2024-05-01 13:02:11",
        "01.05.2024 13:02:11",
        "20240501130211",
        1714561331,
        1714561331000.0,
    ],
)
def test_one_moment_has_many_spellings(text: str | float) -> None:
    assert read_time(Times("Europe/Berlin").read(text)) == MOMENT


def test_a_text_that_the_api_takes_stays_as_it_is() -> None:
    assert Times(None).read("2024-05-01t13:02:11.5+02:00") == "2024-05-01t13:02:11.5+02:00"


@pytest.mark.parametrize("text", ["2024-05-01", "01.05.2024", "20240501", "2024-5-1"])
def test_a_date_begins_at_midnight_in_the_timezone(text: str) -> None:
    assert Times("Europe/Berlin").read(text) == "2024-05-01T00:00:00+02:00"


@pytest.mark.parametrize(
    ("text", "date"),
    [("05/13/2024", "2024-05-13"), ("13/05/2024", "2024-05-13"), ("05/05/2024 8:30", "2024-05-05")],
)
def test_slashes_are_read_where_only_one_order_is_possible(text: str, date: str) -> None:
    assert Times("UTC").read(text)[:10] == date


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("05/06/2024", "ambiguous_datetime"),
        ("2024-13-01", "invalid_datetime"),
        ("2024-02-30 10:00", "invalid_datetime"),
        ("2024-05-01 25:00", "invalid_datetime"),
        ("yesterday", "invalid_datetime"),
        ("99999999999999", "invalid_datetime"),
        ("123", "invalid_datetime"),
        ("2024-05-01 10:00 +99:00", "invalid_datetime"),
        (1e30, "invalid_datetime"),
        (True, "invalid_datetime"),
        (["2024"], "invalid_datetime"),
    ],
)
def test_what_is_no_moment_is_refused(text: object, code: str) -> None:
    with pytest.raises(BadValue) as refused:
        Times("UTC").read(text)
    assert refused.value.code == code


def test_a_time_without_offset_needs_a_timezone() -> None:
    with pytest.raises(BadValue, match="name the timezone of the import"):
        Times(None).read("2024-05-01 13:02:11")


@pytest.mark.parametrize("name", ["Berlin", "", "../etc/passwd", "x" * 300])
def test_an_unknown_timezone_is_a_bad_parameter(name: str) -> None:
    with pytest.raises(InvalidParameter, match="send an IANA name"):
        Times(name)
