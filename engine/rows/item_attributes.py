"""Holds the values of attributes to the types that the store has declared for them."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Literal, get_args

from engine.rows.reading import Place
from engine.rows.values import MAX_ATTRIBUTE_NAME_CHARACTERS, shown
from saas.lib.errors import FieldError, pointer_step

AttributeType = Literal["string", "number", "boolean", "list"]
ATTRIBUTE_TYPES: tuple[AttributeType, ...] = get_args(AttributeType)
MAX_NAME_CHARACTERS = MAX_ATTRIBUTE_NAME_CHARACTERS

# What a double holds exactly; a thousands separator could also be a decimal point.
_NUMBER = re.compile(r"-?\d{1,15}(\.\d{1,15})?", re.ASCII)
_WORDS: Mapping[str, bool] = MappingProxyType(
    {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
)
_BAR = "|"
_EXAMPLES: Mapping[AttributeType, str] = MappingProxyType(
    {
        "string": "a string such as 'red'",
        "number": "a number such as 24 or '24.5'",
        "boolean": "true or false",
        "list": "a list such as ['gas', 'oven']",
    }
)


class _DoesNotFit(Exception):
    """A value that can be read as its type in no way, or in more than one."""


def fit_attributes(
    attributes: Mapping[str, Any], *, types: Mapping[str, AttributeType], place: Place
) -> tuple[dict[str, Any], list[FieldError]]:
    """Return a row's attributes as the values of their declared types, and what fits none.

    A file knows texts alone, so what a text can mean in one way only is read: "24" is a number,
    "yes" is true, "gas|oven" is a list.

    >>> types = {"width": "number", "fits": "list"}
    >>> fit_attributes({"width": "24", "fits": "gas|oven"}, types=types, place=Place("Item"))
    ({'width': 24, 'fits': ['gas', 'oven']}, [])
    """
    fitted = dict(attributes)
    errors = []
    for name in attributes.keys() & types.keys():
        value = attributes[name]
        if value is None:
            continue
        try:
            fitted[name] = _READERS[types[name]](value)
        except _DoesNotFit:
            errors.append(_error(name, value, types[name], place))
    return fitted, errors


def _error(name: str, value: Any, type_: AttributeType, place: Place) -> FieldError:
    return FieldError(
        pointer=f"{place.pointer}/attributes/{pointer_step(name)}",
        code="attribute_type_mismatch",
        detail=(
            f"{place} has attribute {shown(name)} {shown(value)}, which is declared a {type_}; "
            f"send {_EXAMPLES[type_]}, or declare it anew with PUT /v1/attributes."
        ),
        index=place.index,
        id=place.id,
    )


def _as_string(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        raise _DoesNotFit
    return str(value)


def _as_number(value: Any) -> int | float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    if not isinstance(value, str) or not _NUMBER.fullmatch(value.strip()):
        raise _DoesNotFit
    number = float(value)
    return int(number) if math.trunc(number) == number else number


def _as_boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower() if isinstance(value, str | int) else ""
    if word not in _WORDS:
        raise _DoesNotFit
    return _WORDS[word]


def _as_list(value: Any) -> list[Any]:
    if isinstance(value, list):
        return value
    if isinstance(value, str):
        return [part for each in value.split(_BAR) if (part := each.strip())]
    return [value]


_READERS: Mapping[AttributeType, Callable[[Any], Any]] = MappingProxyType(
    {"string": _as_string, "number": _as_number, "boolean": _as_boolean, "list": _as_list}
)
