"""The menu of a store's pages, as far as a person may see them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.urls import reverse

from saas.portal.roles import Right


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the menu."""

    title: str
    page: str
    right: Right
    is_of_environment: bool = True


@dataclass(frozen=True, slots=True)
class Link:
    """A line of the menu as it stands on a page."""

    title: str
    url: str


@dataclass(frozen=True, slots=True)
class Section:
    """Lines of the menu that belong together."""

    title: str
    links: tuple[Link, ...]


MENU: Final = (
    (
        "Recommendations",
        (
            Entry("Overview", "overview", Right.SEE_STORE),
            Entry("Models", "models", Right.SEE_QUALITY),
            Entry("Explore", "explore", Right.EXPLORE),
        ),
    ),
    (
        "Data",
        (
            Entry("Catalogue", "catalogue", Right.SEE_DATA),
            Entry("Events", "events", Right.SEE_DATA),
            Entry("Imports", "imports", Right.SEE_DATA),
        ),
    ),
    (
        "Store",
        (
            Entry("Get started", "get-started", Right.SEE_STORE),
            Entry("Usage and billing", "usage", Right.SEE_BILLING, is_of_environment=False),
            Entry("API keys", "keys", Right.MANAGE_KEYS, is_of_environment=False),
            Entry("Team", "team", Right.MANAGE_TEAM, is_of_environment=False),
            Entry("Audit log", "audit", Right.SEE_AUDIT, is_of_environment=False),
            Entry("Settings", "settings", Right.CHANGE_SETTINGS, is_of_environment=False),
        ),
    ),
)


def menu(rights: frozenset[Right], *, environment: str) -> tuple[Section, ...]:
    """Return the sections with at least one page that these rights open."""
    sections = (
        Section(
            title,
            tuple(
                Link(entry.title, _url(entry, environment))
                for entry in entries
                if entry.right in rights
            ),
        )
        for title, entries in MENU
    )
    return tuple(section for section in sections if section.links)


def _url(entry: Entry, environment: str) -> str:
    return reverse(entry.page, args=[environment] if entry.is_of_environment else [])
