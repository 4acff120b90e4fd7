"""The filter language: what each operator lets in, and what an error says of a bad filter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.inference.columns import Columns, Value
from api.inference.filters import MAX_NODES, MAX_VALUES, read_filter
from saas.lib.errors import InvalidFilter

SHELF: tuple[tuple[Mapping[str, Value], tuple[str, ...]], ...] = (
    ({"id": "pan", "brand": "Ek", "price": 20.0, "attributes.colour": "red"}, ("Home > Kitchen",)),
    ({"id": "lamp", "brand": "Bo", "price": 50.0, "attributes.colour": "blue"}, ("Home",)),
    ({"id": "boot", "price": 80.0, "attributes.sizes": [38, 39]}, ("Shoes", "Sale > Shoes")),
    ({"id": "gift", "attributes.sizes": 39, "attributes.new": True}, ()),
)


def columns_of(shelf: Any) -> Columns:
    columns = Columns()
    for row, (fields, categories) in enumerate(shelf):
        columns.put(row, fields=fields, categories=categories)
    columns.flush()
    return columns


def ids(expression: Any) -> list[str]:
    mask = read_filter(expression, pointer="/filter").mask(columns_of(SHELF), len(SHELF))
    return [str(SHELF[row][0]["id"]) for row in np.flatnonzero(mask)]


@pytest.mark.parametrize(
    ("expression", "met_by"),
    [
        ({"in": ["categories", "Home"]}, ["pan", "lamp"]),
        ({"==": ["categories", "Home > Kitchen"]}, ["pan"]),
        ({"in": ["categories", ["Sale", "Home > Kitchen"]]}, ["pan", "boot"]),
        ({"in": ["categories", "Ho"]}, []),
        ({"exists": "categories"}, ["pan", "lamp", "boot"]),
        ({"==": ["brand", "Ek"]}, ["pan"]),
        ({"==": ["brand", "ek"]}, []),
        ({"!=": ["brand", "Ek"]}, ["lamp"]),
        ({"not": {"==": ["brand", "Ek"]}}, ["lamp", "boot", "gift"]),
        ({"in": ["brand", ["Ek", "Bo"]]}, ["pan", "lamp"]),
        ({"exists": ["brand"]}, ["pan", "lamp"]),
        ({"<": ["price", 50]}, ["pan"]),
        ({"<=": ["price", "50.00"]}, ["pan", "lamp"]),
        ({">": ["price", 50]}, ["boot"]),
        ({">=": ["price", 50.0]}, ["lamp", "boot"]),
        ({"==": ["price", "80"]}, ["boot"]),
        ({"!=": ["price", 20]}, ["lamp", "boot"]),
        ({"in": ["id", ["gift", "unknown"]]}, ["gift"]),
        ({"==": ["attributes.colour", "red"]}, ["pan"]),
        ({"==": ["attributes.sizes", 39]}, ["boot", "gift"]),
        ({"==": ["attributes.sizes", "39"]}, []),
        ({">": ["attributes.sizes", 38]}, ["gift"]),
        ({"==": ["attributes.new", True]}, ["gift"]),
        ({"==": ["attributes.new", 1]}, []),
        ({"exists": "attributes.sizes"}, ["boot", "gift"]),
        ({"==": ["attributes.unheard", "of"]}, []),
        ({"exists": "attributes.unheard"}, []),
        ({"and": [{"in": ["categories", "Home"]}, {"<": ["price", 50]}]}, ["pan"]),
        ({"or": [{"==": ["brand", "Bo"]}, {">": ["price", 70]}]}, ["lamp", "boot"]),
    ],
)
def test_a_filter_lets_in_what_meets_it(expression: Any, met_by: list[str]) -> None:
    assert ids(expression) == met_by


@pytest.mark.parametrize(
    ("expression", "pointer", "words"),
    [
        ({}, "/f", "an object of 0 members"),
        ([], "/f", "a list of 0 entries"),
        ({"in": ["id", "a"], "<": ["price", 1]}, "/f", "an object of 2 members"),
        ({"equals": ["brand", "Ek"]}, "/f/equals", "no operator; known are =="),
        ({"exist": "brand"}, "/f/exist", "did you mean 'exists'?"),
        ({"a/b": 1}, "/f/a~1b", "'a/b' is no operator"),
        ({"==": ["brnad", "Ek"]}, "/f/==/0", "did you mean 'brand'?"),
        ({"==": ["in_stock", True]}, "/f/==/0", "needs no filter"),
        ({"==": ["attributes.", "x"]}, "/f/==/0", "'attributes.' is no field"),
        ({"==": [5, "x"]}, "/f/==/0", "5 is no field"),
        ({"==": "brand"}, "/f/==", "takes a list of a field and a value, not 'brand'"),
        ({"==": ["brand", 5]}, "/f/==/1", "'brand' is compared with 5; send a string"),
        ({"==": ["attributes.colour", None]}, "/f/==/1", "compared with null"),
        ({"<": ["price", "cheap"]}, "/f/</1", "'cheap'; send a number such as 50 or '12.90'"),
        ({"<": ["price", "NaN"]}, "/f/</1", "'NaN'"),
        ({"<": ["price", 10**400]}, "/f/</1", "send a number"),
        ({"<": ["attributes.sizes", "39"]}, "/f/</1", "send a number such as 50."),
        ({"<": ["attributes.sizes", True]}, "/f/</1", "true; send a number"),
        ({"in": ["brand", []]}, "/f/in/1", "'in' has 0 values"),
        ({"in": ["id", ["a"] * (MAX_VALUES + 1)]}, "/f/in/1", "1,001 values; send 1 to 1,000"),
        ({"in": ["id", ["a", 7]]}, "/f/in/1/1", "'id' is compared with 7"),
        ({"and": []}, "/f/and", "takes a list of filters"),
        ({"and": {"==": ["id", "a"]}}, "/f/and", "not an object of 1 members"),
        ({"or": [{"==": ["id", "a"]}, 1]}, "/f/or/1", "not 1"),
        ({"not": "x"}, "/f/not", "not 'x'"),
        ({"or": [{"exists": "id"}] * MAX_NODES}, "/f/or/99", "over 100 conditions"),
    ],
)
def test_a_bad_filter_says_where_and_what_to_write(
    expression: Any, pointer: str, words: str
) -> None:
    with pytest.raises(InvalidFilter) as refusal:
        read_filter(expression, pointer="/f")
    assert refusal.value.errors[0].pointer == pointer
    assert words in str(refusal.value.detail).replace(f"{MAX_VALUES + 1}", "1,001")


def test_what_an_item_no_longer_has_is_no_longer_found() -> None:
    columns = columns_of(SHELF)
    columns.put(0, fields={"id": "pan", "price": 30.0}, categories=["Sale"])
    columns.put(2, fields={"id": "boot", "attributes.sizes": "one size"}, categories=[])
    columns.flush()

    def rows(expression: Any) -> list[int]:
        mask = read_filter(expression, pointer="").mask(columns, len(SHELF))
        return np.flatnonzero(mask).tolist()

    assert rows({"exists": "brand"}) == [1]
    assert rows({"in": ["categories", "Home"]}) == [1]
    assert rows({"in": ["categories", "Sale"]}) == [0]
    assert rows({"==": ["price", 30]}) == [0]
    assert rows({"==": ["attributes.sizes", 39]}) == [3]
    assert rows({"==": ["attributes.sizes", "one size"]}) == [2]
    assert rows({"exists": "price"}) == [0, 1]


SCALARS = st.one_of(
    st.sampled_from(["red", "blue", "1"]), st.booleans(), st.integers(0, 3), st.just(0.5)
)
SHELVES = st.lists(st.one_of(st.none(), SCALARS, st.lists(SCALARS, max_size=3)), max_size=400)


def same(one: Any, other: Any) -> bool:
    return isinstance(one, bool) == isinstance(other, bool) and one == other


@given(SHELVES, SCALARS)
def test_equality_is_what_a_loop_over_the_items_says(values: list[Any], wanted: Any) -> None:
    columns = columns_of([({"attributes.a": value}, ()) for value in values])
    mask = read_filter({"==": ["attributes.a", wanted]}, pointer="").mask(columns, len(values))
    assert mask.tolist() == [
        any(same(each, wanted) for each in value)
        if isinstance(value, list)
        else same(value, wanted)
        for value in values
    ]


@given(SHELVES)
def test_what_exists_is_what_has_a_value(values: list[Any]) -> None:
    columns = columns_of([({"attributes.a": value}, ()) for value in values])
    mask = read_filter({"exists": "attributes.a"}, pointer="").mask(columns, len(values))
    assert mask.tolist() == [value is not None and value != [] for value in values]


CONDITIONS = st.recursive(
    st.one_of(
        st.sampled_from(["Home", "Home > Kitchen", "Shoes", "Sale", "Garden"]).map(
            lambda path: {"in": ["categories", path]}
        ),
        st.lists(st.sampled_from(["Home", "Home > Kitchen", "Shoes"]), min_size=1).map(
            lambda paths: {"in": ["categories", paths]}
        ),
        st.sampled_from(["Ek", "Bo"]).map(lambda brand: {"==": ["brand", brand]}),
        st.sampled_from([20, 50, 80]).map(lambda price: {"<": ["price", price]}),
        st.sampled_from(["categories", "brand", "attributes.sizes"]).map(
            lambda field: {"exists": field}
        ),
        st.just({"==": ["attributes.sizes", 39]}),
    ),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda each: {"and": each}),
        st.lists(inner, min_size=1, max_size=3).map(lambda each: {"or": each}),
        inner.map(lambda each: {"not": each}),
    ),
    max_leaves=6,
)


@given(expression=CONDITIONS, copies=st.integers(1, 100), wanted=st.data())
def test_lists_and_single_rows_say_what_the_mask_says(
    expression: Any, copies: int, wanted: st.DataObject
) -> None:
    # More rows than a column's first size, and a last one that no column has heard of.
    columns, size = columns_of(SHELF * copies), len(SHELF) * copies + 1
    condition = read_filter(expression, pointer="/filter")
    mask = condition.mask(columns, size)
    rows = condition.rows(columns)
    if rows is not None:
        assert sorted(rows.tolist()) == np.flatnonzero(mask).tolist()
    some = np.array(wanted.draw(st.lists(st.integers(0, size - 1), max_size=9)), dtype=np.int32)
    assert condition.meet(columns, some).tolist() == mask[some].tolist()


def test_categories_alone_and_with_others_have_lists_and_other_conditions_have_none() -> None:
    columns = columns_of(SHELF)

    def has_list(expression: Any) -> bool:
        return read_filter(expression, pointer="/filter").rows(columns) is not None

    home, cheap = {"in": ["categories", "Home"]}, {"<": ["price", 50]}
    assert has_list(home)
    assert has_list({"and": [cheap, home]})
    assert has_list({"or": [home, {"in": ["categories", "Shoes"]}]})
    assert not has_list({"or": [home, cheap]})
    assert not has_list(cheap)
    assert not has_list({"not": home})
