from __future__ import annotations

import numpy as np
import pytest

from engine.core.dataset import CatalogueItem
from engine.core.features import item_features

SHELF = [
    CatalogueItem("1", "Red mug", ("Home > Kitchen",), "Acme", 3.0, {"colour": "red"}),
    CatalogueItem("2", "Red plate", ("Home > Kitchen",), "Acme", 4.0, {"colour": "red"}),
    CatalogueItem("3", "Blue rug", ("Home > Floor",), "Brio", 50.0, {"colour": "blue"}),
    CatalogueItem("4", "Blue lamp", ("Home > Light",), "Brio", 60.0, {"colour": "blue"}),
    CatalogueItem("5", "Nothing said"),
]
ALL = np.ones(5, dtype=np.bool_)


def test_categories_brands_words_and_attributes_of_several_items_are_features() -> None:
    names = set(item_features(SHELF, is_active=ALL).space.vocabulary)
    assert {"category:Home > Kitchen", "brand:Acme", "word:red", "attribute:colour=blue"} <= names


def test_what_one_item_has_alone_or_most_have_is_no_feature() -> None:
    names = set(item_features(SHELF, is_active=ALL).space.vocabulary)
    assert "word:mug" not in names
    assert "category:Home" not in names


def test_rows_have_unit_length_and_an_item_without_features_an_empty_row() -> None:
    matrix = item_features(SHELF, is_active=ALL).matrix
    norms = np.sqrt((matrix.toarray() ** 2).sum(axis=1))
    assert norms == pytest.approx([1, 1, 1, 1, 0])


def test_only_items_with_training_events_shape_the_vocabulary() -> None:
    active = np.array([True, True, False, False, False])
    space = item_features(SHELF, is_active=active).space
    assert not any("Brio" in name or "blue" in name for name in space.vocabulary)
    # Both active prices make the edges; 60.0 lies in the last band.
    assert space.price_edges.max() <= 4.0


def test_the_alphabet_of_the_shop_does_not_matter() -> None:
    shelf = [CatalogueItem(str(n), f"Кружка {n}", brand="Ёлка & Co") for n in range(3)]
    shelf += [CatalogueItem("x", "other"), CatalogueItem("y", "else"), CatalogueItem("z", "more")]
    names = set(item_features(shelf, is_active=np.ones(6, np.bool_)).space.vocabulary)
    assert {"word:кружка", "brand:Ёлка & Co"} <= names


def test_free_text_in_an_attribute_is_no_feature() -> None:
    shelf = [CatalogueItem(str(n), "x", attributes={"about": "a" * 65}) for n in range(2)]
    shelf += [CatalogueItem("3", "y"), CatalogueItem("4", "z")]
    names = item_features(shelf, is_active=np.ones(4, np.bool_)).space.vocabulary
    assert not any(name.startswith("attribute:") for name in names)


def test_a_catalogue_without_any_feature_has_no_columns() -> None:
    shelf = [CatalogueItem(str(n), "") for n in range(3)]
    assert item_features(shelf, is_active=np.ones(3, np.bool_)).matrix.shape == (3, 0)
