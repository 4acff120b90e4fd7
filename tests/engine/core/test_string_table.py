from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core import string_table as module
from engine.core.string_table import hash_of, string_table

PRINTABLE = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=256)


@given(st.lists(PRINTABLE, unique=True, max_size=30))
def test_every_printable_id_is_found_again(texts: list[str]) -> None:
    table = string_table(texts)
    assert [table.find(text) for text in texts] == list(range(len(texts)))
    assert [table[row] for row in range(len(texts))] == texts


def test_unknown_ids_are_not_found() -> None:
    table = string_table(["sku-1", "sku-2"])
    assert table.find("sku-3") is None
    assert table.find("SKU-1") is None
    assert string_table([]).find("sku-1") is None


def test_ids_whose_hashes_collide_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_hash", lambda text: 9)
    table = string_table(["a", "b", "c"])
    assert [table.find(text) for text in "abcd"] == [0, 1, 2, None]


@given(st.lists(PRINTABLE, unique=True, max_size=30), st.lists(PRINTABLE, unique=True, max_size=30))
def test_all_strings_are_found_as_each_is(held: list[str], wanted: list[str]) -> None:
    table = string_table(held)
    wanted = list(dict.fromkeys([*wanted, *held[::2]]))
    found = table.find_all(wanted, np.array(list(map(hash_of, wanted)), dtype=np.uint64))
    assert [None if row < 0 else row for row in found.tolist()] == list(map(table.find, wanted))


def test_all_strings_are_found_where_hashes_collide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_hash", lambda text: 9)
    found = string_table(["a", "b", "c"]).find_all(list("cdb"), np.full(3, 9, dtype=np.uint64))
    assert found.tolist() == [2, -1, 1]
