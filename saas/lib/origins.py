"""Says what the origin of a web page is (RFC 6454), as a browser sends it."""

from __future__ import annotations

from urllib.parse import urlsplit


def is_origin(text: str) -> bool:
    """Tell whether a text is a scheme and a host alone.

    >>> is_origin("https://www.example.com"), is_origin("https://www.example.com/shop")
    (True, False)
    """
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    is_web = parts.scheme in {"http", "https"} and bool(parts.netloc)
    return is_web and f"{parts.scheme}://{parts.netloc}" == text
