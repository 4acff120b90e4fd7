"""Reads the name of a model version as pages send it, so that nothing else reaches PostgreSQL."""

from __future__ import annotations

import re


class VersionConverter:
    """A version in a path."""

    regex = "[0-9A-Z]{26}"

    def to_python(self, value: str) -> str:
        """Return the version."""
        return value

    def to_url(self, value: str) -> str:
        """Return the part of the path."""
        return value


def sent_version(text: str | None) -> str | None:
    """Return a version that a form or a query sent, None for anything else.

    >>> sent_version("01M80BK4A4CHNAQ454GF6MNSC6"), sent_version("latest")
    ('01M80BK4A4CHNAQ454GF6MNSC6', None)
    """
    return text if text and re.fullmatch(VersionConverter.regex, text) else None
