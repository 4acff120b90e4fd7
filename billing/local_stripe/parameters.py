"""Checks what a client sent against the request types shipped in the pinned `stripe` wheel."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, NotRequired, Union, get_args, get_origin, get_type_hints
from urllib.parse import parse_qsl

from typing_extensions import is_typeddict

from billing.local_stripe.problems import StripeProblem

# What each request type inherits of the client's own options.
_OPTIONS = frozenset(
    {
        "api_key",
        "content_type",
        "headers",
        "idempotency_key",
        "max_network_retries",
        "stripe_account",
        "stripe_context",
        "stripe_version",
    }
)
# The OpenAPI document's maxLength; the wheel's types do not carry it.
_LONGEST = {
    "event_name": 100,
    "identifier": 100,
    "name": 5_000,
    "email": 512,
    "display_name": 250,
    "lookup_key": 200,
    "client_reference_id": 200,
    "nickname": 5_000,
}
_MOST_METADATA, _LONGEST_METADATA_KEY, _LONGEST_METADATA = 50, 40, 500


def parse_form(text: str) -> dict[str, Any]:
    """Return `a[b][0]=c` as nested dictionaries of strings.

    >>> parse_form("items[0][price]=price_1&customer=cus_1")
    {'items': {'0': {'price': 'price_1'}}, 'customer': 'cus_1'}
    """
    parsed: dict[str, Any] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        head, *rest = name.replace("]", "").split("[")
        place, key = parsed, head
        for part in rest:
            place = place.setdefault(key, {})
            if not isinstance(place, dict):
                raise StripeProblem(f"Invalid parameter name: {name}", param=head)
            # `list[]=x` appends.
            key = part or str(len(place))
        place[key] = value
    return parsed


def checked(name: str, sent: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of the request type `name` in their own types.

    Raises
    ------
    StripeProblem
        An unknown, missing, too long or mistyped parameter, or a value outside a closed list.
    """
    return _typed_dict(_request_type(name), sent, at="")


@cache
def _request_type(name: str) -> Any:
    # Most of the process's start; the first request can wait for it.
    import stripe.params

    found: Any = stripe.params
    for part in name.split("."):
        found = getattr(found, part)
    return found


@cache
def _fields(kind: Any) -> dict[str, Any]:
    names = vars(sys.modules[kind.__module__]) | {
        "StripeContext": str,
        "UntypedStripeObject": dict,
        "Mapping": Mapping,
    }
    hints = get_type_hints(kind, globalns=names, include_extras=True)
    return {key: hint for key, hint in hints.items() if key not in _OPTIONS}


def _typed_dict(kind: Any, sent: Any, *, at: str) -> dict[str, Any]:
    if not isinstance(sent, Mapping):
        raise StripeProblem("Invalid object", param=at)
    fields = _fields(kind)
    for key in sent:
        if key not in fields:
            raise StripeProblem(
                f"Received unknown parameter: {_below(at, key)}",
                code="parameter_unknown",
                param=_below(at, key),
            )
    for key in sorted(kind.__required_keys__ - _OPTIONS):
        if key not in sent:
            raise StripeProblem(
                f"Missing required param: {_below(at, key)}.",
                code="parameter_missing",
                param=_below(at, key),
            )
    return {key: _value(fields[key], value, at=_below(at, key)) for key, value in sent.items()}


def _value(hint: Any, sent: Any, *, at: str) -> Any:
    if get_origin(hint) is NotRequired:
        (hint,) = get_args(hint)
    if get_origin(hint) in (Union, UnionType):
        return _one_of(get_args(hint), sent, at=at)
    if is_typeddict(hint):
        return _typed_dict(hint, sent, at=at)
    origin = get_origin(hint) or hint
    if origin is list:
        return _list(get_args(hint)[0], sent, at=at)
    if origin is dict:
        return _metadata(sent, at=at)
    if origin is Literal:
        if sent not in get_args(hint):
            raise _not_among(get_args(hint), sent, at=at)
        return sent
    return _scalar(origin, sent, at=at)


def _one_of(members: tuple[Any, ...], sent: Any, *, at: str) -> Any:
    literals = [
        value for each in members if get_origin(each) is Literal for value in get_args(each)
    ]
    if sent in literals:
        return sent
    others = [each for each in members if get_origin(each) is not Literal and each is not NoneType]
    # The wheel leaves its lists open for values of the future; today only these are accepted.
    if [value for value in literals if value != ""]:
        others = [each for each in others if each is not str]
    problem = _not_among(tuple(literals), sent, at=at)
    # A text last: anything is one.
    for each in sorted(others, key=lambda member: member is str):
        try:
            return _value(each, sent, at=at)
        except StripeProblem as error:
            problem = error
    raise problem


def _not_among(allowed: tuple[Any, ...], sent: Any, *, at: str) -> StripeProblem:
    return StripeProblem(f"Invalid {at}: must be one of {', '.join(allowed)}; got {sent}", param=at)


def _list(hint: Any, sent: Any, *, at: str) -> list[Any]:
    if not isinstance(sent, Mapping) or [*sent] != [str(n) for n in range(len(sent))]:
        raise StripeProblem("Invalid array", param=at)
    return [_value(hint, value, at=_below(at, key)) for key, value in sent.items()]


def _metadata(sent: Any, *, at: str) -> dict[str, str]:
    if not isinstance(sent, Mapping) or not all(isinstance(each, str) for each in sent.values()):
        raise StripeProblem("Invalid hash", param=at)
    if len(sent) > _MOST_METADATA:
        raise StripeProblem(f"{at} may have {_MOST_METADATA} keys at most", param=at)
    for key, value in sent.items():
        if len(key) > _LONGEST_METADATA_KEY or len(value) > _LONGEST_METADATA:
            raise StripeProblem(f"{_below(at, key)} is too long", param=_below(at, key))
    return dict(sent)


def _scalar(kind: Any, sent: Any, *, at: str) -> Any:
    if not isinstance(sent, str):
        raise StripeProblem(f"Invalid {getattr(kind, '__name__', kind)}", param=at)
    if kind is str:
        longest = _LONGEST.get(at.rpartition("[")[2].rstrip("]"))
        if longest and len(sent) > longest:
            raise StripeProblem(
                f"Invalid string: {sent[:10]}...; must be at most {longest} characters",
                param=at,
            )
        return sent
    if kind is bool:
        if sent not in ("true", "false"):
            raise StripeProblem(f"Invalid boolean: {sent}", param=at)
        return sent == "true"
    try:
        return int(sent) if kind is int else Decimal(sent)
    except (ValueError, InvalidOperation):
        what = "integer" if kind is int else "decimal"
        raise StripeProblem(
            f"Invalid {what}: {sent}", code=f"parameter_invalid_{what}", param=at
        ) from None


def _below(at: str, key: str) -> str:
    return f"{at}[{key}]" if at else key
