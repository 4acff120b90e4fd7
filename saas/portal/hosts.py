"""Says which store's pages a request asks for: by a host of the store's own, or by the path."""

from __future__ import annotations

import re
from dataclasses import dataclass

# As in Tenant.slug.
_SLUG = r"[-a-zA-Z0-9_]{1,50}"
_PATH = re.compile(rf"/stores/(?P<slug>{_SLUG})/")


@dataclass(frozen=True, slots=True)
class NamedStore:
    """The store that a request names, and what stands before its pages' paths."""

    slug: str
    prefix: str


def store_of_host(host: str, *, domain: str | None) -> NamedStore | None:
    """Read `acorn-books.shelfwise.example` as the store acorn-books."""
    if domain is None:
        return None
    slug = host.removesuffix(f".{domain}")
    if slug == host or not re.fullmatch(_SLUG, slug):
        return None
    return NamedStore(slug=slug, prefix="/")


def store_of_path(path: str) -> NamedStore | None:
    """Read `/stores/acorn-books/live/` as the page `/live/` of the store acorn-books."""
    match = _PATH.match(path)
    return NamedStore(slug=match["slug"], prefix=match[0]) if match else None
