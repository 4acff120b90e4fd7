"""Reads a request's body whole and bounded, before anything is done for it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import IO, Any

from django.http import HttpRequest
from rest_framework.exceptions import UnsupportedMediaType as NoParser
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from typing_extensions import override

from saas.lib.errors import PayloadTooLarge, UnsupportedEncoding, UnsupportedMediaType
from saas.lib.strict_json import MAX_BODY_BYTES, inflate, parse_strict_json

# Where the digest of the bytes as sent is kept, for the Idempotency-Key.
BODY_DIGEST = "shelfwise.body_digest"
_EMPTY_DIGEST = hashlib.sha256(b"").digest()


class StrictJsonParser(BaseParser):
    """JSON, plain or gzip, of at most 5 MB in either form."""

    media_type = "application/json"

    @override
    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        request: Request = (parser_context or {})["request"]
        encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
        if encoding not in {"identity", "gzip"}:
            raise UnsupportedEncoding(
                f"Content-Encoding '{encoding[:40]}' is not read; send 'gzip' or none."
            )
        body = read_bounded(stream, content_length=request.META.get("CONTENT_LENGTH"))
        request.META[BODY_DIGEST] = hashlib.sha256(body).digest()
        return parse_strict_json(inflate(body) if encoding == "gzip" else body)


class BeaconParser(StrictJsonParser):
    """The same JSON under the one name that a page may give it without asking first."""

    media_type = "text/plain"


def read_bounded(stream: IO[bytes], *, content_length: str | None) -> bytes:
    """Return the body, refusing a large one by what it says and by what it is.

    Raises
    ------
    PayloadTooLarge
        It is over the limit.
    """
    if content_length and int(content_length) > MAX_BODY_BYTES:
        raise _too_large()
    body = stream.read(MAX_BODY_BYTES + 1)
    if len(body) > MAX_BODY_BYTES:
        raise _too_large()
    return body


def read_data(request: Request) -> Any:
    """Parse the body now, so that no transaction waits for a slow client.

    Raises
    ------
    UnsupportedMediaType
        The view reads no such content type.
    """
    try:
        return request.data
    except NoParser:
        sent = (request.content_type or "").partition(";")[0]
        read = ", ".join(parser.media_type for parser in request.parsers or ())
        raise UnsupportedMediaType(
            f"Content-Type '{sent[:80]}' is not read; send '{read}'.",
            headers={"Accept": read},
        ) from None


def sent_json(request: Request) -> Any:
    """Return what the body says, for a call that is nothing without one.

    Raises
    ------
    MalformedJson
        There is no body; Django REST Framework takes that for an empty object.
    """
    return request.data if BODY_DIGEST in request.META else parse_strict_json(b"")


def body_digest(request: HttpRequest) -> bytes:
    """Return the SHA-256 of the body as it was sent."""
    digest: bytes = request.META.get(BODY_DIGEST, _EMPTY_DIGEST)
    return digest


def _too_large() -> PayloadTooLarge:
    return PayloadTooLarge("The body is over 5 MB; send several smaller ones.")
