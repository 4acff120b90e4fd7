"""Reads a JSON body of a stranger: bounded, unambiguous, the same in the web and inference."""

from __future__ import annotations

import json
import math
import re
import zlib
from collections import Counter
from collections.abc import Iterable
from typing import Any, NoReturn

import numpy as np
import orjson

from saas.lib.errors import MalformedEncoding, MalformedJson, PayloadTooLarge, TooDeep

MAX_BODY_BYTES = 5 * 1024 * 1024
MAX_DEPTH = 32

# Matches from every quote, closed or not, so that it stays linear on hostile input.
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_STEPS = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")
_NO_BRACKETS = bytes(set(range(256)).difference(b"[{]}"))
# A gzip stream says 16 + the window's bits to zlib.
_GZIP_WINDOW = 16 + zlib.MAX_WBITS
# 64 bits hold 19 digits; converting thousands takes quadratic time.
_MAX_INT_CHARACTERS = 20
_INT64 = range(-(2**63), 2**63)


def parse_strict_json(body: bytes) -> Any:
    """Return the value of a JSON text (RFC 8259).

    Raises
    ------
    TooDeep
        It nests deeper than `MAX_DEPTH`.
    MalformedJson
        It is no JSON, or JSON that readers understand differently: NaN, a repeated name, a lone
        surrogate, a number beyond 64 bits.

    Examples
    --------
    >>> parse_strict_json(b'{"id": "sku-19", "price": 12.9}')
    {'id': 'sku-19', 'price': 12.9}
    """
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return _parse_and_explain(body)
    return value if _says_all(value, body) else _parse_and_explain(body)


def _says_all(value: Any, body: bytes) -> bool:
    """Say whether the fast parser, which drops repeated names and rounds integers, lost nothing.

    Each name in a body has a colon of its own beside those inside strings, so that a dropped name
    leaves one over, unless a colon that is written as an escape fills its place.
    """
    if b"\\u003" in body:
        return False
    colons = 0
    texts: list[str] = []
    level = [value]
    for _ in range(MAX_DEPTH):
        deeper: list[Any] = []
        for each in level:
            members: Iterable[Any]
            if type(each) is dict:
                colons += len(each)
                texts += each
                members = each.values()
            else:
                members = each if type(each) is list else [each]
            for member in members:
                kind = type(member)
                if kind is str:
                    texts.append(member)
                elif kind is dict or kind is list:
                    deeper.append(member)
                elif (kind is float or kind is int) and not -(2**63) < member < 2**63:
                    return False
        if not deeper:
            return colons + "".join(texts).count(":") == body.count(b":")
        level = deeper
    return False


def _parse_and_explain(body: bytes) -> Any:
    check_depth(body)
    try:
        value = json.loads(
            body.decode(),
            object_pairs_hook=_object,
            parse_constant=_refuse_constant,
            parse_int=_integer,
            parse_float=_float,
        )
        if b"\\u" in body:
            # A lone surrogate escapes the parser, not the encoder.
            json.dumps(value, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        raise MalformedJson(
            f"The body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}."
        ) from None
    except UnicodeDecodeError as error:
        raise MalformedJson(f"Byte {error.start} of the body is not UTF-8.") from None
    except UnicodeEncodeError:
        raise MalformedJson("A string holds a lone surrogate; send whole characters.") from None
    return value


def check_depth(body: bytes) -> None:
    """Refuse nesting that would exhaust a parser's stack, before any parser runs.

    Raises
    ------
    TooDeep
        Brackets nest deeper than `MAX_DEPTH`.

    Examples
    --------
    >>> check_depth(b'{"exclude": ["[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["]}')
    """
    if body.count(b"[") + body.count(b"{") <= MAX_DEPTH:
        return
    steps = np.frombuffer(_STRING.sub(b"", body).translate(_STEPS, _NO_BRACKETS), dtype=np.int8)
    depth = np.cumsum(steps, dtype=np.int32)
    if len(depth) and depth.max() > MAX_DEPTH:
        raise TooDeep(f"The body nests {depth.max()} levels; {MAX_DEPTH} are enough for any call.")


def inflate(body: bytes) -> bytes:
    """Return what a gzip stream holds, without ever holding more than the limit.

    Raises
    ------
    PayloadTooLarge
        It holds more than `MAX_BODY_BYTES`.
    MalformedEncoding
        It is no gzip stream, cut off, or followed by other bytes.
    """
    stream = zlib.decompressobj(_GZIP_WINDOW)
    try:
        text = stream.decompress(body, MAX_BODY_BYTES + 1)
    except zlib.error:
        raise MalformedEncoding("The body is not a gzip stream; check how it is packed.") from None
    if len(text) > MAX_BODY_BYTES:
        raise PayloadTooLarge("The body inflates to over 5 MB; send several smaller ones.")
    if not stream.eof or stream.unused_data:
        raise MalformedEncoding("The gzip stream is cut off or followed by other bytes.")
    return text


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise MalformedJson(f"The name '{_twice(pairs)}' stands twice in one object; send it once.")
    return value


def _twice(pairs: list[tuple[str, Any]]) -> str:
    times = Counter(name for name, _ in pairs)
    (name, _), *_ = times.most_common(1)
    return name[:100].encode(errors="replace").decode()


def _refuse_constant(text: str) -> NoReturn:
    raise MalformedJson(f"'{text}' is not a JSON value; send a number or null.")


def _integer(text: str) -> int:
    if len(text) <= _MAX_INT_CHARACTERS and (value := int(text)) in _INT64:
        return value
    raise MalformedJson(
        f"A number of {len(text)} digits does not fit 64 bits; send it as a string."
    )


def _float(text: str) -> float:
    value = float(text)
    if math.isfinite(value):
        return value
    raise MalformedJson("A number is too large for a 64-bit float; send it as a string.")
