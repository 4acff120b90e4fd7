"""Reads the envelopes of write calls: the object around the rows."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches
from typing import Any

from saas.lib.errors import InvalidParameter, UnknownField

_SHOWN_CHARACTERS = 60


def read_object(body: Any) -> dict[str, Any]:
    """Return the body where it is an object.

    Raises
    ------
    InvalidParameter
        It is something else.
    """
    if not isinstance(body, dict):
        raise InvalidParameter("The body is no JSON object; send {…}.", pointer="")
    return body


def read_envelope(body: Any, *, known: Collection[str]) -> dict[str, Any]:
    """Return an object that has no other members than the known ones.

    Raises
    ------
    InvalidParameter
        The body is no object.
    UnknownField
        It has another member; names the nearest.
    """
    envelope = read_object(body)
    for name in envelope:
        if name not in known:
            name = name[:_SHOWN_CHARACTERS]
            matches = get_close_matches(name, known, n=1)
            hint = f"did you mean '{matches[0]}'?" if matches else f"it has: {', '.join(known)}."
            raise UnknownField(f"'{name}' is no member of this call; {hint}", pointer=f"/{name}")
    return envelope


def read_rows(envelope: dict[str, Any], name: str) -> list[Any]:
    """Return the list of rows.

    Raises
    ------
    InvalidParameter
        It is missing or no list.
    """
    rows = envelope.get(name)
    if not isinstance(rows, list):
        raise InvalidParameter(
            f"'{name}' is no list; send {{\"{name}\": […]}}.", pointer=f"/{name}"
        )
    return rows


def read_choice(envelope: dict[str, Any], name: str, *, choices: Collection[str]) -> str:
    """Return a member that is one of a few; the first where it is missing.

    Raises
    ------
    InvalidParameter
        It is another value.
    """
    value = envelope.get(name, next(iter(choices)))
    if value not in choices:
        options = " or ".join(f"'{each}'" for each in choices)
        raise InvalidParameter(
            f"'{name}' is '{str(value)[:_SHOWN_CHARACTERS]}'; send {options}.", pointer=f"/{name}"
        )
    return str(value)


def read_flag(envelope: dict[str, Any], name: str) -> bool:
    """Return a member that is true or false; false where it is missing.

    Raises
    ------
    InvalidParameter
        It is another value.
    """
    value = envelope.get(name, False)
    if not isinstance(value, bool):
        raise InvalidParameter(
            f"'{name}' is '{str(value)[:_SHOWN_CHARACTERS]}'; send true or false.",
            pointer=f"/{name}",
        )
    return value
