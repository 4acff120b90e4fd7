"""Reads a request's body whole and bounded: size, encoding, and nesting before any parser."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from saas.lib.errors import PayloadTooLarge, UnsupportedEncoding, UnsupportedMediaType
from saas.lib.strict_json import MAX_BODY_BYTES, check_depth, inflate

Receive = Callable[[], Awaitable[Any]]
_JSON = b"application/json"


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
    encoding = headers.get(b"content-encoding")
    if encoding is not None:
        encoding = encoding.strip().lower()
        _check_encoding(encoding)
    length = headers.get(b"content-length", b"")
    if length.isdigit() and int(length[:20]) > MAX_BODY_BYTES:
        raise _too_large()
    body = await _read_all(receive)
    if encoding == b"gzip":
        body = inflate(body)
    check_depth(body)
    return body


def _check_content_type(content_type: bytes) -> None:
    if content_type == _JSON:
        return
    media_type = content_type.partition(b";")[0].strip().lower()
    if media_type != _JSON:
        raise UnsupportedMediaType(
            f"Content-Type '{media_type.decode('latin-1')[:80]}' is not read; "
            "send 'application/json'.",
            headers={"Accept": "application/json"},
        )


def _check_encoding(encoding: bytes) -> None:
    if encoding not in {b"identity", b"gzip"}:
        raise UnsupportedEncoding(
            f"Content-Encoding '{encoding.decode('latin-1')[:40]}' is not read; "
            "send 'gzip' or none."
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


def _too_large() -> PayloadTooLarge:
    return PayloadTooLarge(
        f"The body is over {MAX_BODY_BYTES // 1024 // 1024} MB; send a shorter 'exclude' list."
    )
