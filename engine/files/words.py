"""Reads yes, no and how feeds say that something can be bought, in the languages of feeds."""

from __future__ import annotations

import re
from typing import Any

from engine.rows.values import BadValue

_YES = frozenset({"true", "t", "yes", "y", "1", "on", "x", "ja", "wahr", "oui", "vrai", "si", "sí"})
_NO = frozenset({"false", "f", "no", "n", "0", "off", "nein", "falsch", "non", "faux"})
# What can be ordered counts as in stock: a pre-order is a sale.
_IN_STOCK = frozenset(
    {
        *("in stock", "instock", "available", "limited availability", "limitedavailability"),
        *("preorder", "pre order", "presale", "backorder", "back order", "on backorder"),
        *("onbackorder", "made to order", "madetoorder", "online only", "onlineonly"),
        *("auf lager", "lagernd", "verfügbar", "lieferbar", "sofort lieferbar", "vorrätig"),
        *("sofort verfügbar", "vorbestellbar", "vorbestellung", "nachbestellbar"),
        *("en stock", "disponible", "précommande", "sur commande", "en réapprovisionnement"),
    }
)
_OUT_OF_STOCK = frozenset(
    {
        *("out of stock", "outofstock", "sold out", "soldout", "unavailable", "not available"),
        *("discontinued", "not in stock"),
        *("nicht auf lager", "nicht lagernd", "nicht verfügbar", "nicht lieferbar", "vergriffen"),
        *("nicht vorrätig", "ausverkauft", "derzeit nicht verfügbar"),
        *("rupture de stock", "en rupture de stock", "en rupture", "épuisé", "indisponible"),
        *("hors stock", "non disponible"),
    }
)
_COUNT = re.compile(r"[+-]?\d{1,12}(?:[.,]0+)?", re.ASCII)
_GAP = re.compile(r"[\s_-]+")


def read_yes_or_no(value: Any) -> Any:
    """Return a claim of a word for it.

    >>> read_yes_or_no("Yes"), read_yes_or_no("falsch")
    (True, False)
    """
    found = _claim(value)
    if found is None:
        raise BadValue("invalid_type", "write true or false")
    return found


def read_stock(value: Any) -> Any:
    """Return whether an item can be bought, of a word or of how many there are.

    >>> read_stock("in_stock"), read_stock("Nicht vorrätig"), read_stock("17")
    (True, False, True)
    """
    found = _claim(value)
    if found is not None:
        return found
    if isinstance(value, int | float):
        return value > 0
    if isinstance(value, str) and len(value) <= 60:
        word = _GAP.sub(" ", value.rpartition("/")[2].casefold()).strip()
        if word in _IN_STOCK or word in _OUT_OF_STOCK:
            return word in _IN_STOCK
        if _COUNT.fullmatch(value):
            return float(value.replace(",", ".")) > 0
    raise BadValue("invalid_type", "write 'in stock' or 'out of stock'")


def _claim(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    if isinstance(value, int) and value in {0, 1}:
        return bool(value)
    word = value.casefold() if isinstance(value, str) and len(value) < 10 else None
    return True if word in _YES else False if word in _NO else None
