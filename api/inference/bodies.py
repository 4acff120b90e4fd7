"""Reads a request's body whole and bounded: size, encoding, and nesting before any parser."""

from __future__ import annotations

import re
import zlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import numpy as np

from saas.lib.errors import (
    MalformedEncoding,
    PayloadTooLarge,
    TooDeep,
    UnsupportedEncoding,
    UnsupportedMediaType,
)

MAX_BODY_BYTES = 5 * 1024 * 1024
MAX_DEPTH = 32

Receive = Callable[[], Awaitable[Any]]

# Matches from every quote, closed or not, so that it stays linear on hostile input.
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
# A gzip stream says 16 + the window's bits to zlib.
_GZIP_WINDOW = 16 + zlib.MAX_WBITS


class ClientDisconnected(Exception):
    """The caller left before its request was whole; nobody waits for an answer."""


async def read_body(headers: Mapping[bytes, bytes], receive: Receive) -> bytes:
    """Return the request's JSON text, inflated.

    Raises
    ------
    UnsupportedMediaType, UnsupportedEncoding, PayloadTooLarge, MalformedEncoding, TooDeep
        The body is not one that this service reads.
    ClientDisconnected
        The caller left.
    """
    _check_content_type(headers.get(b"content-type", b""))
    encoding = headers.get(b"content-encoding", b"identity").strip().lower()
    if encoding not in {b"identity", b"gzip"}:
        raise UnsupportedEncoding(
            f"Content-Encoding '{encoding.decode('latin-1')[:40]}' is not read; "
            "send 'gzip' or none."
        )
    length = headers.get(b"content-length", b"")
    if length.isdigit() and int(length[:20]) > MAX_BODY_BYTES:
        raise _too_large()
    body = await _read_all(receive)
    if encoding == b"gzip":
        body = _inflate(body)
    check_depth(body)
    return body


def _check_content_type(content_type: bytes) -> None:
    media_type = content_type.partition(b";")[0].strip().lower()
    if media_type != b"application/json":
        raise UnsupportedMediaType(
            f"Content-Type '{media_type.decode('latin-1')[:80]}' is not read; "
            "send 'application/json'.",
            headers={"Accept": "application/json"},
        )


async def _read_all(receive: Receive) -> bytes:
    message = await receive()
    body: bytes = message.get("body", b"")
    if message["type"] == "http.request" and not message.get("more_body", False):
        if len(body) > MAX_BODY_BYTES:
            raise _too_large()
        return body
    parts = [body]
    size = len(body)
    while message["type"] != "http.disconnect" and message.get("more_body", False):
        message = await receive()
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > MAX_BODY_BYTES:
            raise _too_large()
    if message["type"] == "http.disconnect":
        raise ClientDisconnected
    return b"".join(parts)


def _inflate(body: bytes) -> bytes:
    stream = zlib.decompressobj(_GZIP_WINDOW)
    try:
        text = stream.decompress(body, MAX_BODY_BYTES + 1)
    except zlib.error as error:
        raise MalformedEncoding("The body is not a gzip stream; check how it is packed.") from error
    if len(text) > MAX_BODY_BYTES:
        raise _too_large()
    if not stream.eof or stream.unused_data:
        raise MalformedEncoding("The gzip stream is cut off or followed by other bytes.")
    return text


def check_depth(body: bytes) -> None:
    """Refuse nesting that would exhaust a parser's stack.

    Raises
    ------
    TooDeep
        Brackets nest deeper than `MAX_DEPTH`.

    Examples
    --------
    >>> check_depth(b'{"exclude": ["[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["]}')
    """
    if body.count(b"[") + body.count(b"{") <= MAX_DEPTH:
        return
    characters = np.frombuffer(_STRING.sub(b"", body), dtype=np.uint8)
    opens = (characters == ord("[")) | (characters == ord("{"))
    closes = (characters == ord("]")) | (characters == ord("}"))
    depth = np.cumsum(opens.astype(np.int32) - closes.astype(np.int32))
    if len(depth) and depth.max() > MAX_DEPTH:
        raise TooDeep(f"The body nests {depth.max()} levels; {MAX_DEPTH} are enough for any call.")


def _too_large() -> PayloadTooLarge:
    return PayloadTooLarge(
        f"The body is over {MAX_BODY_BYTES // 1024 // 1024} MB; send a shorter 'exclude' list."
    )
