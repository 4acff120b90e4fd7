"""The pages of a store: those of the menu's table and those behind them, each with its right."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.urls import reverse

from saas.portal.navigation import MENU
from saas.portal.roles import Right


@dataclass(frozen=True)
class Place:
    """A page: where it is below its store's address, who may open it, and its line in the menu."""

    path: str
    right: Right
    title: str | None = None


# By the name of the route, and what its path is made of.
_BEHIND = (
    ("key-new", ("live", "secret"), Right.MANAGE_KEYS),
    ("environment-settings", ("live",), Right.CHANGE_SETTINGS),
    ("placements", ("live",), Right.CHANGE_SETTINGS),
    ("webhooks", ("live",), Right.CHANGE_SETTINGS),
    ("privacy", ("live",), Right.CHANGE_SETTINGS),
    ("delete-store", (), Right.DELETE_STORE),
)


def _places() -> Iterator[tuple[str, Place]]:
    for _, entries in MENU:
        for entry in entries:
            arguments: tuple[str, ...] = ("live",) if entry.is_of_environment else ()
            yield entry.page, Place(_path(entry.page, arguments), entry.right, entry.title)
    for name, arguments, right in _BEHIND:
        yield name, Place(_path(name, arguments), right)


def _path(name: str, arguments: tuple[str, ...]) -> str:
    return reverse(name, args=arguments, urlconf="saas.portal.store_urls").removeprefix("/")


PLACES = dict(_places())
