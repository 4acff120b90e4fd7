"""Walks a URLconf: what the web process really serves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

API_METHODS = ("get", "post", "put", "patch", "delete")


def patterns_of(urlconf: str) -> Iterator[tuple[str, URLPattern]]:
    """Return each route as a template, with its pattern."""
    yield from _below(get_resolver(urlconf).url_patterns, "/")


def _below(
    patterns: Sequence[URLPattern | URLResolver], prefix: str
) -> Iterator[tuple[str, URLPattern]]:
    for pattern in patterns:
        template = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _below(pattern.url_patterns, template)
        else:
            yield template, pattern


def api_routes() -> list[str]:
    """Return "METHOD /template" for each method of each view on the API's host."""
    return [
        f"{method} {template}"
        for template, pattern in patterns_of("saas.urls")
        for method in _methods(pattern)
    ]


def _methods(pattern: URLPattern) -> list[str]:
    view: Any = getattr(pattern.callback, "cls", None)
    if view is None:
        return ["GET"]
    return [
        name.upper()
        for name in API_METHODS
        if name in view.http_method_names and hasattr(view, name)
    ]
