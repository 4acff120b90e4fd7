"""Between minor units, which are counted, and decimal strings, which are shown."""

from __future__ import annotations

from decimal import Decimal

# https://docs.stripe.com/currencies#zero-decimal
_CODES = "BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF UGX VND VUV XAF XOF XPF"
_WITHOUT_MINOR_UNITS = frozenset(_CODES.split())


def as_text(amount_minor: int | Decimal, currency: str) -> str:
    """Return an amount as it is shown; a price may be finer than the smallest coin.

    >>> as_text(4_900, "EUR"), as_text(4_900, "JPY"), as_text(-5, "EUR")
    ('49.00', '4900', '-0.05')
    >>> as_text(Decimal("12.5"), "EUR")
    '0.125'
    """
    return str(Decimal(amount_minor).scaleb(-_digits(currency)))


def as_minor(amount: Decimal, currency: str) -> int:
    """Return an amount as it is counted.

    >>> as_minor(Decimal("49.5"), "EUR"), as_minor(Decimal("4900"), "JPY")
    (4950, 4900)

    Raises
    ------
    ValueError
        It is finer than the currency's smallest coin.
    """
    minor = amount.scaleb(_digits(currency))
    if minor != minor.to_integral_value():
        raise ValueError(f"{amount} is finer than the smallest coin of {currency}.")
    return int(minor)


def _digits(currency: str) -> int:
    return 0 if currency in _WITHOUT_MINOR_UNITS else 2
