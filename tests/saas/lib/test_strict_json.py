"""What of a stranger's JSON is read, and what is refused before it can hurt."""

from __future__ import annotations

import gzip
import json
import zlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from saas.lib.errors import MalformedEncoding, MalformedJson, PayloadTooLarge, TooDeep
from saas.lib.strict_json import MAX_BODY_BYTES, MAX_DEPTH, inflate, parse_strict_json

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner),
)


# A busy machine is slow at making values, which says nothing about reading them.
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(VALUES)
def test_what_a_client_writes_is_what_is_read(value: object) -> None:
    for ensure_ascii in (True, False):
        assert parse_strict_json(json.dumps(value, ensure_ascii=ensure_ascii).encode()) == value


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"{'a': 1}",
        b'{"a": 1,}',
        b"[1] [2]",
        b"NaN",
        b"[Infinity]",
        b'{"a": -Infinity}',
        b"1e999",
        b'"\xff"',
        b"\xef\xbb\xbf{}",
        b'"\\ud800"',
        b'"\\udc00\\ud800"',
        b'{"\\ud800": 1}',
        b'{"a": 1, "b": 2, "a": 3}',
        b'{"deep": [{"a": 1, "a": 1}]}',
        b'{"\\ud800": 1, "\\ud800": 2}',
        b"9223372036854775808",
        b"-9223372036854775809",
        b"7" * 5000,
        b'"a\nb"',
    ],
)
def test_what_readers_would_understand_differently_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedJson) as caught:
        parse_strict_json(body)
    caught.value.detail.encode()


def test_a_pair_of_surrogates_is_one_character() -> None:
    assert parse_strict_json(b'"\\ud83d\\ude00"') == "\N{GRINNING FACE}"


def test_the_largest_numbers_are_read() -> None:
    text = b"[9223372036854775807, -9223372036854775808]"
    assert parse_strict_json(text) == [2**63 - 1, -(2**63)]


@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_nesting_is_counted_before_any_parser_runs(opening: bytes, closing: bytes) -> None:
    parse_strict_json(opening * MAX_DEPTH + b"1" + closing * MAX_DEPTH)
    for depth in (MAX_DEPTH + 1, 100_000):
        with pytest.raises(TooDeep):
            parse_strict_json(opening * depth + b"1" + closing * depth)
        with pytest.raises(TooDeep):
            parse_strict_json(opening * depth)


def test_brackets_inside_strings_are_no_nesting() -> None:
    text = "[{" * 100 + '\\"['
    assert parse_strict_json(b'["' + text.encode() + b'"]') == [text.replace('\\"', '"')]


def test_gzip_is_inflated() -> None:
    assert inflate(gzip.compress(b'{"a": 1}')) == b'{"a": 1}'
    assert len(inflate(gzip.compress(b" " * MAX_BODY_BYTES))) == MAX_BODY_BYTES


def test_a_bomb_is_refused_at_the_limit() -> None:
    bomb = gzip.compress(b" " * (10 * MAX_BODY_BYTES))
    with pytest.raises(PayloadTooLarge):
        inflate(bomb)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        gzip.compress(b"{}")[:-1],
        gzip.compress(b"{}") + b"x",
        gzip.compress(b"{}") + gzip.compress(b"{}"),
        gzip.compress(b"{}")[:-8] + bytes(8),
        zlib.compress(b"{}"),
    ],
)
def test_a_bad_stream_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedEncoding):
        inflate(body)


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":1,"a" :2}',
        b'{"a":"x:y","a":3}',
        b'{"a":{"b":1},"a":{"b":1}}',
        b'[{"a":":"},{"b":1,"c":{"d":1,"d":1}}]',
        # An escaped colon is none of the body's, and must not hide a name that was dropped.
        b'{"a":"\\u003a","b":1,"b":2}',
        b'{"a":"\\u003A","b":1,"b":2}',
        b'{"a":1,"\\u0061":2}',
    ],
)
def test_a_repeated_name_is_found_wherever_colons_stand(body: bytes) -> None:
    with pytest.raises(MalformedJson, match="stands twice"):
        parse_strict_json(body)


@pytest.mark.parametrize(
    "text",
    [
        '{"a:b": {"c:d": ":", "e": [":", {"f": "::"}]}}',
        '{"a": "\\u003a", "b": "\\u00e9\\u0000"}',
        "[9223372036854775807, -9223372036854775808, 1e300, -0.0, true, null]",
        '":"',
        "7",
    ],
)
def test_the_fast_way_reads_what_the_standard_library_reads(text: str) -> None:
    assert parse_strict_json(text.encode()) == json.loads(text)
