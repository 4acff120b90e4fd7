"""What a developer copies to make the first calls, in four languages, with the store's test key."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.sessions.backends.base import SessionBase
from django.template.loader import render_to_string

from saas.lib.config import config

# Stands where a key belongs as long as none is known: we keep digests alone.
PLACEHOLDER = "YOUR_TEST_KEY"
_LANGUAGES = {
    "curl": "curl",
    "python": "Python",
    "javascript": "JavaScript",
    "php": "PHP",
}


@dataclass(frozen=True, slots=True)
class Snippet:
    """A program that sends two items and an event, asks, and reports a click."""

    language: str
    title: str
    text: str


def snippets(*, key: str | None) -> list[Snippet]:
    """Return the snippets, filled with a key or with what stands for one."""
    filling = {"api": config().api_url, "key": key or PLACEHOLDER}
    return [
        Snippet(language, title, render_to_string(f"portal/snippets/{language}.txt", filling))
        for language, title in _LANGUAGES.items()
    ]


def hand_over_key(session: SessionBase, *, slug: str, key: str) -> None:
    """Have the next look at Get started fill a test key in, and forget it."""
    session[_name(slug)] = key


def take_key(session: SessionBase, *, slug: str) -> str | None:
    """Return the key that was handed over, once."""
    key: str | None = session.pop(_name(slug), None)
    return key


def _name(slug: str) -> str:
    return f"snippet_key:{slug}"
