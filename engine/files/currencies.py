"""Knows the currencies that stand beside prices, by code and by sign."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from engine.rows.values import BadValue
from saas.lib.currencies import CURRENCIES

SIGNS: Mapping[str, str] = MappingProxyType(
    {
        "€": "EUR",
        "EURO": "EUR",
        "£": "GBP",
        "US$": "USD",
        "C$": "CAD",
        "CA$": "CAD",
        "A$": "AUD",
        "AU$": "AUD",
        "R$": "BRL",
        "ZŁ": "PLN",
        "KČ": "CZK",
        "FT": "HUF",
        "LEI": "RON",
        "FR.": "CHF",
        "SFR.": "CHF",
        "₹": "INR",
        "₺": "TRY",
        "₴": "UAH",
        "₪": "ILS",
        "₩": "KRW",
        "₫": "VND",
        "฿": "THB",
    }
)
# Several countries write these, so they name no currency.
_UNSURE = frozenset({"$", "¥", "KR", "KR."})


def currency_named(word: str, *, advice: str) -> str | None:
    """Return the code of a currency; None for a sign that several share.

    >>> currency_named("eur", advice=""), currency_named("$", advice="")
    ('EUR', None)
    """
    upper = word.upper()
    if upper in _UNSURE:
        return None
    # Only these, so that "12 PCS" is no price.
    if upper in CURRENCIES:
        return upper
    if upper in SIGNS:
        return SIGNS[upper]
    raise BadValue("invalid_price", advice)
