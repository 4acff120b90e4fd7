"""Reads a path as it was sent, so that a store's ids may contain '/' (percent-encoded)."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, unquote

from django.http import HttpRequest
from django.urls import register_converter

# What a client may leave unencoded inside a segment (RFC 3986, section 3.3), and '/' between them.
_UNENCODED = "/:@!$&'()*+,;=~"


class IdConverter:
    """One path segment as it was sent; decoded last, so that '%2F' stays within its segment."""

    regex = "[^/]+"

    def to_python(self, value: str) -> str:
        """Decode; bytes that are not UTF-8 become characters that no id may have."""
        return unquote(value, errors="surrogateescape")

    def to_url(self, value: str) -> str:
        """Encode everything that could end the segment."""
        return quote(value, safe="")


register_converter(IdConverter, "id")


def raw_path(request: HttpRequest) -> str:
    """Return the path as sent, still percent-encoded.

    uvicorn hands it over in the ASGI scope, gunicorn as RAW_URI, uWSGI as REQUEST_URI; without
    any of them an encoded '/' cannot be told from a real one.
    """
    scope: dict[str, Any] = request.META.get("asgi.scope", {})
    if raw := scope.get("raw_path"):
        return _path_of(raw.decode("latin-1"))
    for variable in ("RAW_URI", "REQUEST_URI"):
        if raw := request.META.get(variable):
            return _path_of(raw)
    return quote(request.path_info, safe=_UNENCODED)


def _path_of(target: str) -> str:
    # A proxy may send the absolute form, "http://host/path".
    if "://" in target.split("?", 1)[0]:
        target = "/" + target.split("://", 1)[1].partition("/")[2]
    return target.partition("?")[0]
