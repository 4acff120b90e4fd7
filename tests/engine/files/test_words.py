"""Words for yes, no and whether something can be bought."""

from __future__ import annotations

import pytest

from engine.files.words import read_stock, read_yes_or_no
from engine.rows.values import BadValue


@pytest.mark.parametrize(
    "word",
    [
        *("in stock", "In_Stock", "instock", "IN-STOCK", "true", "YES", "1", "17", "3,0", True, 4),
        *("preorder", "backorder", "https://schema.org/InStock", "http://schema.org/PreOrder"),
        *("Auf Lager", "sofort lieferbar", "En stock", "disponible", "oui"),
    ],
)
def test_what_can_be_ordered_is_in_stock(word: object) -> None:
    assert read_stock(word) is True


@pytest.mark.parametrize(
    "word",
    [
        *("out of stock", "out_of_stock", "OutOfStock", "no", "0", "-3", False, 0, 0.0),
        *("sold out", "https://schema.org/OutOfStock", "ausverkauft", "Nicht auf Lager"),
        *("Rupture de stock", "épuisé", "nein", "non"),
    ],
)
def test_what_cannot_is_not(word: object) -> None:
    assert read_stock(word) is False


@pytest.mark.parametrize("word", ["maybe", "soon", "nan", "1e9", "x" * 100, ["true"]])
def test_other_words_are_refused(word: object) -> None:
    for read in (read_stock, read_yes_or_no):
        with pytest.raises(BadValue) as refused:
            read(word)
        assert refused.value.code == "invalid_type"


def test_a_count_is_no_claim() -> None:
    with pytest.raises(BadValue):
        read_yes_or_no("17")
