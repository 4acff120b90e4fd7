"""Reads single values as shops send them: what cannot be read says why, and what to send."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache, wraps
from typing import Any, TypeVar
from urllib.parse import urlsplit

from saas.lib.errors import pointer_step

MAX_ID_CHARACTERS = 256
MAX_ALIASES = 20
MAX_ATTRIBUTE_NAME_CHARACTERS = 128
# numeric(14, 4) holds ten digits before the point.
_MAX_MONEY = Decimal(10) ** 10
_MONEY_STEP = Decimal("0.0001")
# numeric(12, 3) holds nine.
_MAX_QUANTITY = Decimal(10) ** 9
_QUANTITY_STEP = Decimal("0.001")

_CURRENCY = re.compile(r"[A-Z]{3}")
_DECIMAL = re.compile(r"-?\d{1,20}(\.\d{1,20})?", re.ASCII)
# RFC 3339, section 5.6; the offset is optional here so that its absence gets its own sentence.
_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)?", re.ASCII)

# More than a batch of an import has, whose values are read twice.
REMEMBERED_TEXTS = 8_192
R = TypeVar("R")

_TIME_ADVICE = "send RFC 3339 with an offset, such as '2024-05-01T13:02:11+02:00'"
_MONEY_ADVICE = "send a decimal string such as '12.90'"


class BadValue(Exception):
    """A value that cannot be taken.

    Attributes
    ----------
    code : str
        Stable, for programs.
    advice : str
        What to send instead, the end of a sentence.
    path : str
        Where below the field the value stands, as the end of a JSON pointer.
    """

    def __init__(self, code: str, advice: str, *, path: str = "") -> None:
        super().__init__(advice)
        self.code = code
        self.advice = advice
        self.path = path


def shown(value: Any) -> str:
    """Return a value as a sentence may quote it.

    >>> shown("abc"), shown(True), shown({"a": 1}), shown("x" * 90)[-5:]
    ("'abc'", 'true', 'an object', "xxx…'")
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    text = str(value)
    text = "".join(each if each.isprintable() else "�" for each in text[:81])
    if len(text) > 80:
        text = f"{text[:79]}…"
    return f"'{text}'" if isinstance(value, str) else text


def remembers_texts(read: Callable[[Any], R]) -> Callable[[Any], R]:
    """Let a reader of short texts remember the latest ones: a file repeats prices and times.

    What it refuses it does not remember, so a long text costs nothing.
    """
    of_text = lru_cache(maxsize=REMEMBERED_TEXTS)(read)

    @wraps(read)
    def remembering(value: Any) -> R:
        return of_text(value) if value.__class__ is str else read(value)

    return remembering


def read_text(value: Any) -> str:
    """Return a text; it may be empty."""
    if not isinstance(value, str):
        raise BadValue("invalid_type", "send a string")
    if "\0" in value:
        raise BadValue("invalid_text", "leave the NUL character out")
    return value


def read_title(value: Any) -> str:
    """Return a text that shows something."""
    text = read_text(value)
    if not text.strip():
        raise BadValue("missing_field", "send the name that shoppers see")
    return text


def read_id(value: Any) -> str:
    """Return an id of the store's own: 1 to 256 printable characters.

    >>> read_id("Kitchen/pan 24cm")
    'Kitchen/pan 24cm'
    """
    # Nearly all are; what is none gets its own sentence below.
    if type(value) is str and 0 < len(value) <= MAX_ID_CHARACTERS and value.isprintable():
        return value
    text = read_text(value)
    if not text:
        raise BadValue("missing_field", "send the store's own id, 1 to 256 characters")
    if len(text) > MAX_ID_CHARACTERS:
        raise BadValue(
            "id_too_long", f"it has {len(text)} characters; {MAX_ID_CHARACTERS} are allowed"
        )
    if not text.isprintable():
        raise BadValue("invalid_text", "leave control characters out")
    return text


def read_flag(value: Any) -> bool:
    """Return a boolean; 0, 1 and texts are not taken for one."""
    if not isinstance(value, bool):
        raise BadValue("invalid_type", "send true or false")
    return value


@remembers_texts
def read_price(value: Any) -> Decimal:
    """Return an amount of money, rounded to what is stored.

    >>> read_price("12.90"), read_price(0.1)
    (Decimal('12.9000'), Decimal('0.1000'))
    """
    amount = _read_decimal(value, step=_MONEY_STEP, code="invalid_price", advice=_MONEY_ADVICE)
    if not 0 <= amount < _MAX_MONEY:
        raise BadValue("invalid_price", "send an amount from 0 to 9999999999")
    return amount


@remembers_texts
def read_quantity(value: Any) -> Decimal:
    """Return how many, more than none; goods sold by weight have fractions."""
    amount = _read_decimal(
        value, step=_QUANTITY_STEP, code="invalid_quantity", advice="send a number such as 2"
    )
    if not 0 < amount < _MAX_QUANTITY:
        raise BadValue("invalid_quantity", "send a number from 0.001 to 999999999")
    return amount


def _read_decimal(value: Any, *, step: Decimal, code: str, advice: str) -> Decimal:
    """Return the number rounded to what is stored, so that limits hold for the stored one."""
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        raise BadValue(code, advice)
    if isinstance(value, str) and not _DECIMAL.fullmatch(value):
        raise BadValue(code, advice)
    try:
        # A float's shortest text is what the sender wrote.
        amount = Decimal(str(value) if isinstance(value, float) else value).quantize(step)
    except InvalidOperation:
        raise BadValue(code, advice) from None
    if not amount.is_finite():
        raise BadValue(code, advice)
    return amount


def read_currency(value: Any) -> str:
    """Return the form of an ISO 4217 code."""
    if not isinstance(value, str) or not _CURRENCY.fullmatch(value):
        raise BadValue("invalid_currency", "send an ISO 4217 code such as 'EUR'")
    return value


@remembers_texts
def read_time(value: Any) -> datetime:
    """Return a moment in UTC; a time without an offset is no moment.

    >>> read_time("2024-05-01T13:02:11+02:00")
    datetime.datetime(2024, 5, 1, 11, 2, 11, tzinfo=datetime.timezone.utc)
    """
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC)
    match = _TIME.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise BadValue("invalid_datetime", _TIME_ADVICE)
    if match.group(2) is None:
        raise BadValue("invalid_datetime", f"it has no offset from UTC; {_TIME_ADVICE}")
    try:
        return datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadValue("invalid_datetime", f"there is no such time; {_TIME_ADVICE}") from None


def read_url(value: Any) -> str:
    """Return the address of a page or picture; only http and https lead to one."""
    advice = "send an address that begins with https:// or http://"
    text = read_text(value)
    try:
        parts = urlsplit(text)
    except ValueError:
        raise BadValue("invalid_url", advice) from None
    if parts.scheme not in {"http", "https"} or not parts.netloc or not text.isprintable():
        raise BadValue("invalid_url", advice)
    return text


def read_categories(value: Any) -> list[str]:
    """Return category paths such as "Home > Kitchen"."""
    return _read_list(value, read_title, advice='send a list such as ["Home > Kitchen"]')


def read_aliases(value: Any) -> list[str]:
    """Return other ids of the same item, each once."""
    aliases = _read_list(value, read_id, advice='send a list of ids such as ["feed-17"]')
    if len(aliases) > MAX_ALIASES:
        raise BadValue("too_many_aliases", f"{MAX_ALIASES} are allowed, it has {len(aliases)}")
    return list(dict.fromkeys(aliases))


def _read_list(value: Any, read: Any, *, advice: str) -> list[str]:
    if not isinstance(value, list):
        raise BadValue("invalid_type", advice)
    texts = []
    for position, each in enumerate(value):
        try:
            texts.append(read(each))
        except BadValue as bad:
            raise BadValue(bad.code, bad.advice, path=f"/{position}") from None
    return texts


def read_attributes(value: Any) -> dict[str, Any]:
    """Return extras by name: strings, numbers, booleans, lists of them; null takes one away."""
    if not isinstance(value, dict):
        raise BadValue("invalid_type", 'send an object such as {"colour": "red"}')
    for name, each in value.items():
        try:
            _check_attribute(name, each)
        except BadValue as bad:
            raise BadValue(bad.code, bad.advice, path=f"/{pointer_step(name)}") from None
    return value


def _check_attribute(name: Any, value: Any) -> None:
    text = read_text(name)
    if not 0 < len(text) <= MAX_ATTRIBUTE_NAME_CHARACTERS:
        raise BadValue(
            "invalid_attribute",
            f"an attribute's name has 1 to {MAX_ATTRIBUTE_NAME_CHARACTERS} characters",
        )
    for each in value if isinstance(value, list) else [value]:
        if isinstance(each, str):
            read_text(each)
        elif not (isinstance(each, bool | int | float) or (each is None and each is value)):
            raise BadValue("invalid_type", "send a string, a number, a boolean or a list of them")


def read_context(value: Any) -> dict[str, Any]:
    """Return whatever the store wants to keep with an event."""
    if not isinstance(value, dict):
        raise BadValue("invalid_type", 'send an object such as {"page": "home"}')
    if _holds_nul(value):
        raise BadValue("invalid_text", "leave the NUL character out")
    return value


def _holds_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any("\0" in name or _holds_nul(each) for name, each in value.items())
    return isinstance(value, list) and any(_holds_nul(each) for each in value)
