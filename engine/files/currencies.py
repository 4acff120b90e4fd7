"""Knows the currencies that stand beside prices, by code and by sign."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from engine.rows.values import BadValue

# ISO 4217; only these, so that "12 PCS" is no price.
_ISO_4217 = (
    "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP "
    "BYN BZD CAD CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP "
    "GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES "
    "KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU "
    "MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON "
    "RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND "
    "TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VES VND VUV WST XAF XCD XOF XPF YER ZAR ZMW ZWG "
)
_CODES = frozenset(_ISO_4217.split())
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
    if upper in _CODES:
        return upper
    if upper in SIGNS:
        return SIGNS[upper]
    raise BadValue("invalid_price", advice)
