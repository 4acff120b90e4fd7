"""The pages of a store as the menu's table names them, each with the right that opens it."""

from __future__ import annotations

from django.urls import reverse

from saas.portal.navigation import MENU, Entry

ENTRIES: dict[str, Entry] = {entry.page: entry for _, entries in MENU for entry in entries}


def path_of(page: str, *, environment: str = "live") -> str:
    """Return where a page of the menu is, below its store's address."""
    arguments = [environment] if ENTRIES[page].is_of_environment else []
    return reverse(page, args=arguments, urlconf="saas.portal.store_urls").removeprefix("/")
