"""What calls cost by a plan's graduated tiers, exactly: decimals of minor units, never floats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal
from typing import Any


@dataclass(frozen=True, slots=True)
class Tier:
    """A price of one call, for the calls up to `up_to` of a period; None: for all the others."""

    up_to: int | None
    unit_amount: Decimal


@dataclass(frozen=True, slots=True)
class TierCharge:
    """The part of a period's calls that one tier prices; `amount_minor` is rounded, as billed."""

    tier: Tier
    units: int
    amount_minor: int


def read_tiers(tiers: Sequence[Mapping[str, Any]]) -> tuple[Tier, ...]:
    """Return a plan's tiers, in their order.

    Raises
    ------
    ValueError
        They do not go up, or do not end with one for all the others.
    """
    read = tuple(Tier(each["up_to"], Decimal(str(each["unit_amount_decimal"]))) for each in tiers)
    bounds = [each.up_to for each in read]
    inner = [bound for bound in bounds[:-1] if bound is not None]
    goes_up = len(inner) == len(bounds) - 1 and inner == sorted(set(inner))
    if not read or not goes_up or bounds[-1] is not None:
        raise ValueError(f"Tiers end at {bounds}; let them go up and end with null.")
    return read


def charges(units: int, tiers: Sequence[Tier]) -> tuple[TierCharge, ...]:
    """Price a period's calls, a line for each tier that they reach, as Stripe's invoices do.

    >>> tiers = read_tiers([{"up_to": 100, "unit_amount_decimal": "0"},
    ...                     {"up_to": None, "unit_amount_decimal": "0.05"}])
    >>> [(each.units, each.amount_minor) for each in charges(1_110, tiers)]
    [(100, 0), (1010, 51)]
    """
    lines = []
    below = 0
    for tier in tiers:
        top = units if tier.up_to is None else min(units, tier.up_to)
        if top <= below:
            break
        exact = (top - below) * tier.unit_amount
        rounded = int(exact.to_integral_value(rounding=ROUND_HALF_UP))
        lines.append(TierCharge(tier, top - below, rounded))
        below = top
    return tuple(lines)


def amount_minor(units: int, tiers: Sequence[Tier]) -> int:
    """Return what a period's calls cost."""
    return sum(each.amount_minor for each in charges(units, tiers))


def units_within(amount: int, tiers: Sequence[Tier]) -> int | None:
    """Return how many calls of a period cost no more than `amount`; None: any number.

    >>> tiers = read_tiers([{"up_to": 100, "unit_amount_decimal": "0"},
    ...                     {"up_to": None, "unit_amount_decimal": "0.05"}])
    >>> units_within(51, tiers)
    1120
    """
    left = Decimal(max(amount, 0))
    below = 0
    for tier in tiers:
        if tier.unit_amount > 0:
            affordable = int((left / tier.unit_amount).to_integral_value(rounding=ROUND_FLOOR))
            if tier.up_to is None or affordable < tier.up_to - below:
                return below + affordable
        if tier.up_to is None:
            return None
        left -= (tier.up_to - below) * tier.unit_amount
        below = tier.up_to
    raise ValueError("The last tier has an end; read tiers with read_tiers().")
