"""Checks what a URL carries: path parts and query parameters."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.http import QueryDict

from engine.rows.values import BadValue, read_time, shown
from saas.lib.errors import InvalidParameter

MAX_ID_CHARACTERS = 256
_SHOWN_CHARACTERS = 60


def check_query(query: QueryDict, *, known: Collection[str]) -> None:
    """Refuse a parameter that would be ignored.

    Raises
    ------
    InvalidParameter
        A parameter is unknown, repeated, or holds a NUL.
    """
    for name, values in query.lists():
        if name not in known:
            options = ", ".join(sorted(known)) or "none"
            raise InvalidParameter(
                f"'{name[:_SHOWN_CHARACTERS]}' is not a query parameter of this call; "
                f"it has: {options}.",
                pointer=f"?{name[:_SHOWN_CHARACTERS]}",
            )
        if len(values) > 1:
            raise InvalidParameter(f"'{name}' stands twice; send it once.", pointer=f"?{name}")
        if "\0" in values[0]:
            raise InvalidParameter(f"'{name}' holds a NUL; send text.", pointer=f"?{name}")


def query_time(query: QueryDict, name: str) -> datetime | None:
    """Return a query parameter's moment, None where it is not sent.

    Raises
    ------
    InvalidParameter
        It is no RFC 3339 time with an offset.
    """
    sent = query.get(name)
    if sent is None:
        return None
    try:
        return read_time(sent)
    except BadValue as bad:
        raise InvalidParameter(
            f"'{name}' is {shown(sent)}; {bad.advice}.", pointer=f"?{name}"
        ) from None


def check_id(name: str, value: str) -> None:
    """Refuse a path part that can be no id.

    Raises
    ------
    InvalidParameter
        It is longer than ids are, or has a character that cannot be printed.
    """
    if len(value) > MAX_ID_CHARACTERS:
        raise InvalidParameter(
            f"'{name}' in the path has {len(value)} characters; ids have 1 to {MAX_ID_CHARACTERS}.",
            pointer=f"/{name}",
        )
    if not value.isprintable():
        raise InvalidParameter(
            f"'{name}' in the path holds a character that cannot be printed; "
            "send the id in UTF-8, percent-encoded.",
            pointer=f"/{name}",
        )
