"""Graduated tiers as Stripe bills them: a line for each tier, each rounded to the minor unit."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any


def tier_lines(tiers: list[dict[str, Any]], units: int) -> list[dict[str, Any]]:
    """Return quantity, price and amount of each tier that `units` reach.

    >>> tier_lines([{"up_to": 10, "unit_amount_decimal": "0"},
    ...             {"up_to": None, "unit_amount_decimal": "0.5"}], 13)[1]
    {'tier': 2, 'quantity': 3, 'unit_amount_decimal': '0.5', 'amount': 2}
    """
    lines = []
    begins = 0
    for number, tier in enumerate(tiers, start=1):
        ends = units if tier["up_to"] is None else min(units, tier["up_to"])
        quantity = max(ends - begins, 0)
        if quantity or number == 1:
            exact = quantity * Decimal(tier["unit_amount_decimal"])
            lines.append(
                {
                    "tier": number,
                    "quantity": quantity,
                    "unit_amount_decimal": tier["unit_amount_decimal"],
                    "amount": int(exact.quantize(Decimal(1), ROUND_HALF_UP)),
                }
            )
        begins = tier["up_to"] if tier["up_to"] is not None else units
    return lines


def share(amount: int, part: int, whole: int) -> int:
    """Return a part of an amount, rounded half up: what a proration charges.

    >>> share(4900, 1, 3)
    1633
    """
    return int((Decimal(amount) * part / whole).quantize(Decimal(1), ROUND_HALF_UP))
