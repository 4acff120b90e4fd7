"""Turns a body into a request struct, or into the error that says which member is wrong."""

from __future__ import annotations

import difflib
import re
from typing import Any, TypeVar

import msgspec
import orjson
from msgspec import Struct

from api.inference.requests import REQUEST_TYPES, WAYS_OUT, Boost, Request
from saas.lib.errors import (
    InvalidParameter,
    MalformedJson,
    ShelfwiseError,
    UnknownField,
    pointer_step,
)
from saas.lib.strict_json import parse_strict_json

_DECODERS: dict[str, msgspec.json.Decoder[Request]] = {
    name: msgspec.json.Decoder(type_) for name, type_ in REQUEST_TYPES.items()
}
_MEMBERS = msgspec.json.Decoder(dict[str, Any])
_UNKNOWN_FIELD = re.compile(r"unknown field `(.*?)`(?: - at `\$(.*)`)?$", re.DOTALL)
_MISSING_FIELD = re.compile(r"missing required field `(.*?)`")
_AT = re.compile(r" - at `\$(.*)`$", re.DOTALL)
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+)\]")
_SHOWN_CHARACTERS = 60
# Takes about 10 ms to parse at worst.
_EXPLAINED_BYTES = 64 * 1024

Decoded = TypeVar("Decoded", bound=Struct)


def decode(operation: str, body: bytes) -> Request:
    """Return the request.

    Raises
    ------
    MalformedJson, UnknownField, InvalidParameter
        The body is not such a request; the error names the member and the way out.
    """
    try:
        request = _DECODERS[operation].decode(body)
    except msgspec.ValidationError as error:
        # A longer one would keep every caller of the process waiting, only to be refused.
        parsed = parse_strict_json(body) if len(body) <= _EXPLAINED_BYTES else None
        raise _explained(error, asked=REQUEST_TYPES[operation], parsed=parsed) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise _malformed(body) from None
    if b"\\u0000" in body:
        _check_text(request)
    return request


def read_members(body: bytes) -> dict[str, Any]:
    """Return a JSON object whose members are decoded one by one.

    Raises
    ------
    MalformedJson, InvalidParameter
        The body is no JSON object.
    """
    try:
        return _MEMBERS.decode(body)
    except msgspec.ValidationError:
        raise _no_object() from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise _malformed(body) from None


def decode_members(members: dict[str, Any], *, asked: type[Decoded]) -> Decoded:
    """Return the struct that the members make.

    Raises
    ------
    UnknownField, InvalidParameter
        They are not what was asked; the error names the member and the way out.
    """
    try:
        decoded = msgspec.convert(members, asked)
    except msgspec.ValidationError as error:
        raise _explained(error, asked=asked, parsed=members) from None
    _check_text(decoded)
    return decoded


def _check_text(request: Struct) -> None:
    for field in request.__struct_fields__:
        value = getattr(request, field)
        for text in value if isinstance(value, list) else (value,):
            if isinstance(text, str) and "\0" in text:
                raise InvalidParameter(
                    f"'{field}' carries a NUL character; send text without it.",
                    pointer=f"/{field}",
                )


def _malformed(body: bytes) -> ShelfwiseError:
    if len(body) <= _EXPLAINED_BYTES:
        parse_strict_json(body)
    return MalformedJson("The body is not JSON that this service reads; send a JSON object.")


def _no_object() -> InvalidParameter:
    return InvalidParameter("The body is not a JSON object; send one such as {}.", pointer="")


def _explained(
    error: msgspec.ValidationError, *, asked: type[Struct], parsed: Any
) -> ShelfwiseError:
    message = str(error)
    at = _AT.search(message)
    steps = [name or int(index) for name, index in _STEP.findall(at.group(1))] if at else []
    place = "".join(f"/{step}" for step in steps)
    if unknown := _UNKNOWN_FIELD.search(message):
        return _unknown_field(Boost if steps else asked, unknown.group(1), place)
    if missing := _MISSING_FIELD.search(message):
        name = missing.group(1)
        return InvalidParameter(
            f"'{name}' is missing; send {WAYS_OUT[name]}.", pointer=f"{place}/{name}"
        )
    if not steps:
        return _no_object()
    return InvalidParameter(
        f"'{steps[0]}' has {_shown(parsed, steps)}; send {WAYS_OUT[str(steps[0])]}.", pointer=place
    )


def _unknown_field(asked: type[Struct], name: str, place: str) -> UnknownField:
    known = asked.__struct_fields__
    name = name[:_SHOWN_CHARACTERS]
    nearest = difflib.get_close_matches(name, known, n=1)
    way_out = f"did you mean '{nearest[0]}'?" if nearest else f"known are {', '.join(known)}."
    return UnknownField(
        f"'{name}' is not a member of this call; {way_out}",
        pointer=f"{place}/{pointer_step(name)}",
    )


def _shown(parsed: Any, steps: list[str | int]) -> str:  # any JSON value
    if parsed is None:
        return "a value of the wrong kind"
    value = parsed
    for step in steps:
        value = value[step]
    if isinstance(value, list):
        return f"{len(value)} entries"
    if isinstance(value, str) and len(value) > _SHOWN_CHARACTERS:
        return f"a string of {len(value)} characters"
    text = orjson.dumps(value).decode().replace('"', "'")
    return f"the value {text}" if len(text) <= _SHOWN_CHARACTERS else "a value of the wrong kind"
