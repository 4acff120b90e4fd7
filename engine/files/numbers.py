"""Reads prices and quantities as shops write them; what can mean two numbers is refused."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple

from engine.files.currencies import SIGNS, currency_named
from engine.rows.values import (
    REMEMBERED_TEXTS,
    BadValue,
    read_currency,
    read_price,
    read_quantity,
    remembers_texts,
)

# Longer texts hold no number; the bound keeps the patterns below fast.
_MAX_CHARACTERS = 60
_NUMBER = re.compile(
    r"(?P<before>[^\d.,]*)(?P<number>[.,]?\d(?:[\d.,'\u2019\s\u00a0\u202f]*\d)?)(?P<after>\D*)",
    re.ASCII,
)
_GROUPED = re.compile(
    r"\d{1,3}(?:(?P<mark>[.,'\u2019 \u00a0\u202f])\d{3})(?:(?P=mark)\d{3})*", re.ASCII
)
# "12,-" is a whole amount, whatever the dash.
_WHOLE_SIGN = re.compile(r"^[.,]?\s*[-\u2013\u2014]+")
_PER_UNIT = re.compile(r"/\s*[^\W\d]{1,12}\.?$")
_UNIT = re.compile(r"[^\W\d]{0,10}\.?")

_OTHER_MARK: Mapping[str, str] = MappingProxyType({".": ",", ",": "."})
# Three digits after the point are no thousands here.
_THREE_DECIMALS = frozenset({"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"})

_PRICE_ADVICE = "write a price such as '12.90' or '12.90 EUR'"
_QUANTITY_ADVICE = "write a number such as 2"


class Money(NamedTuple):
    """A price with the currency that stood beside it, if one did."""

    amount: str
    currency: str | None


class Numbers:
    """Reads the prices and quantities of one file, which writes all of them one way.

    Parameters
    ----------
    decimal_mark
        What stands before decimals, where the file's format says so.
    """

    def __init__(self, decimal_mark: str | None = None) -> None:
        self._decimal_mark = decimal_mark
        self.readers = (self.amount, self.count)

    def learn(self, texts: Iterable[str]) -> None:
        """Find out from some of the file's numbers which mark stands before decimals.

        >>> numbers = Numbers()
        >>> numbers.learn(["4.25", "1.225"])
        >>> numbers.amount("1.225")
        Money(amount='1.225', currency=None)
        """
        marks = {_decimal_mark(text) for text in texts} - {None}
        if len(marks) == 1:
            (self._decimal_mark,) = marks

    def amount(self, value: Any) -> Any:
        """Return a price of any form: `Money` of a text, other values as they are."""
        return read_money(value, self._decimal_mark) if isinstance(value, str) else value

    def count(self, value: Any) -> Any:
        """Return how many; "2 pcs" and "3x" are read.

        >>> Numbers().count("3 Stk."), Numbers().count("1,5 kg")
        ('3', '1.5')
        """
        return read_count(value, self._decimal_mark) if isinstance(value, str) else value


def _decimal_mark(text: str) -> str | None:
    """Return the mark that must stand before decimals where a number is written so.

    >>> _decimal_mark("€1.299,00"), _decimal_mark("0.125"), _decimal_mark("1.299")
    (',', '.', None)
    """
    match = _NUMBER.fullmatch(text) if len(text) <= _MAX_CHARACTERS else None
    marks = [each for each in match["number"] if each in ".,"] if match else []
    if match is None or not marks:
        return None
    last = marks[-1]
    if marks.count(last) > 1:
        return _OTHER_MARK[last] if len(set(marks)) == 1 else None
    whole, _, decimals = match["number"].rpartition(last)
    return None if len(marks) == 1 and _could_be_thousands(whole, decimals) else last


@lru_cache(maxsize=REMEMBERED_TEXTS)
def read_money(text: str, decimal_mark: str | None = None) -> Money:
    """Return a price as shops write it.

    >>> read_money("€1.299,00"), read_money("12.90 EUR").amount
    (Money(amount='1299.00', currency='EUR'), '12.90')
    >>> read_money("1,299")
    Traceback (most recent call last):
    engine.rows.values.BadValue: it can mean 1299 or 1.299; write '1299.00' or '1.2990'
    """
    match = _NUMBER.fullmatch(text) if len(text) <= _MAX_CHARACTERS else None
    if match is None:
        raise BadValue("invalid_price", _PRICE_ADVICE)
    after = _WHOLE_SIGN.sub("", match["after"])
    after = _PER_UNIT.sub("", after.strip(" *\u00a0\u202f"))
    currency = _currency(match["before"].strip(), after.strip())
    digits = plain_number(
        match["number"],
        code="price",
        advice=_PRICE_ADVICE,
        decimal_mark=decimal_mark,
        has_thousandths=currency in _THREE_DECIMALS,
    )
    read_price(digits)
    return Money(digits, currency)


@lru_cache(maxsize=REMEMBERED_TEXTS)
def read_count(text: str, decimal_mark: str | None = None) -> str:
    """Return how many as shops write it."""
    match = _NUMBER.fullmatch(text) if len(text) <= _MAX_CHARACTERS else None
    if match is None or match["before"].strip() not in {"", "x", "X", "+"}:
        raise BadValue("invalid_quantity", _QUANTITY_ADVICE)
    if not _UNIT.fullmatch(match["after"].strip()):
        raise BadValue("invalid_quantity", _QUANTITY_ADVICE)
    digits = plain_number(
        match["number"], code="quantity", advice=_QUANTITY_ADVICE, decimal_mark=decimal_mark
    )
    read_quantity(digits)
    return digits


@remembers_texts
def read_currency_name(value: Any) -> Any:
    """Return a currency's code of its code or sign.

    >>> read_currency_name("eur"), read_currency_name("£")
    ('EUR', 'GBP')
    """
    if not isinstance(value, str):
        return value
    return read_currency(SIGNS.get(value.upper(), value.upper()))


def plain_number(
    text: str, *, code: str, advice: str, decimal_mark: str | None, has_thousandths: bool = False
) -> str:
    """Return digits with a point for the decimals and no other marks."""
    marks = [each for each in text if not each.isdigit()]
    if not marks:
        return text
    last = marks[-1]
    if last in ".," and marks.count(last) == 1:
        whole, _, decimals = text.rpartition(last)
        if len(marks) == 1:
            if _could_be_thousands(whole, decimals):
                if decimal_mark not in {None, last}:
                    return whole + decimals
                if decimal_mark is None and not has_thousandths:
                    raise _ambiguous(whole, decimals, code)
            return f"{whole or '0'}.{decimals}"
        if _GROUPED.fullmatch(whole):
            return f"{_digits(whole)}.{decimals}"
    elif _GROUPED.fullmatch(text):
        return _digits(text)
    raise BadValue(f"invalid_{code}", advice)


def _could_be_thousands(whole: str, decimals: str) -> bool:
    return len(decimals) == 3 and 1 <= len(whole) <= 3 and whole[0] != "0"


def _ambiguous(whole: str, decimals: str, code: str) -> BadValue:
    return BadValue(
        f"ambiguous_{code}",
        f"it can mean {whole}{decimals} or {whole}.{decimals}; write '{whole}{decimals}.00' or "
        f"'{whole}.{decimals}0'",
    )


def _digits(text: str) -> str:
    return "".join(each for each in text if each.isdigit())


def _currency(before: str, after: str) -> str | None:
    """Return what the words around a number say of the currency."""
    names = {currency_named(word, advice=_PRICE_ADVICE) for word in (before, after) if word} - {
        None
    }
    if len(names) > 1:
        raise BadValue("invalid_price", "it names two currencies; write one such as '12.90 EUR'")
    return next(iter(names), None)
