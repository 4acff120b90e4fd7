from __future__ import annotations

import math
from collections.abc import Hashable
from itertools import count, islice
from typing import Any, cast

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray
from typing_extensions import override

from api.inference.answers import Product
from api.inference.catalogue import Catalogue, ItemRow
from api.inference.postings import Postings
from api.inference.requests import PopularRequest
from api.inference.rules import Picker, Rules
from api.inference.selection import Hidden, newest_first, on_sale
from api.inference.shelf import Shelf

RULES = Rules.of(PopularRequest())


def newest(catalogue: Catalogue, *, hidden: list[int], limit: int, rules: Rules) -> list[int]:
    allowed = on_sale(catalogue, hidden=Hidden(given=hidden), rules=rules)
    rows = newest_first(catalogue, allowed=allowed)[:, 1].tolist()
    shown = filter(Picker(rules, catalogue).takes, rows)
    return list(islice(shown, limit))


def an_item(item_id: str, **fields: Any) -> ItemRow:
    product = Product(
        title=item_id.title(),
        url=None,
        image_url=None,
        price=fields.pop("price", None),
        list_price=None,
        currency=None,
        brand=fields.pop("brand", None),
        in_stock=fields.pop("in_stock", True),
        attributes=fields.pop("public_attributes", {}),
    )
    given = {
        "id": 1,
        "change_seq": 1,
        "item_id": item_id,
        "group_id": None,
        "aliases": [],
        "categories": [],
        "attributes": {},
        "recommendable": True,
        "is_deleted": False,
        "available_from": None,
        "available_until": None,
        "product": product,
    }
    return ItemRow(**{**given, **fields})


@pytest.fixture
def catalogue() -> Catalogue:
    return Catalogue()


def is_available(catalogue: Catalogue, item_id: str) -> bool:
    return bool(catalogue.available[catalogue.rows[item_id]])


def test_an_item_that_cannot_be_sold_is_not_available(catalogue: Catalogue) -> None:
    catalogue.apply(
        [an_item("oak"), an_item("elm", recommendable=False), an_item("ash", in_stock=False)],
        now=0,
    )
    assert is_available(catalogue, "oak")
    assert not is_available(catalogue, "elm")
    assert not is_available(catalogue, "ash")
    catalogue.apply([an_item("oak", is_deleted=True)], now=0)
    assert not is_available(catalogue, "oak")


def test_an_item_that_was_deleted_before_we_looked_is_not_known(catalogue: Catalogue) -> None:
    catalogue.apply([an_item("oak", is_deleted=True)], now=0)
    assert catalogue.find("oak") == []


def test_availability_windows_open_and_close_by_themselves(catalogue: Catalogue) -> None:
    catalogue.apply([an_item("oak", available_from=10.0, available_until=20.0)], now=9)
    assert not is_available(catalogue, "oak")
    assert catalogue.apply_time(now=10) == [0]
    assert is_available(catalogue, "oak")
    assert catalogue.apply_time(now=15) == []
    assert catalogue.apply_time(now=20) == [0]
    assert not is_available(catalogue, "oak")


def test_no_window_opens_what_cannot_be_sold(catalogue: Catalogue) -> None:
    catalogue.apply([an_item("oak", available_from=10.0, in_stock=False)], now=9)
    assert catalogue.apply_time(now=10) == []
    assert not is_available(catalogue, "oak")
    assert catalogue.window(0) == (10, math.inf)


def test_an_item_is_found_by_id_alias_and_group(catalogue: Catalogue) -> None:
    catalogue.apply(
        [
            an_item("shoe-41", group_id="shoe", aliases=["old-41"]),
            an_item("shoe-42", group_id="shoe"),
        ],
        now=0,
    )
    assert catalogue.find("shoe-41") == [0]
    assert catalogue.find("old-41") == [0]
    assert catalogue.find("shoe") == [0, 1]
    assert catalogue.find("boot") == []


def test_an_alias_and_a_group_that_were_given_up_are_forgotten(catalogue: Catalogue) -> None:
    catalogue.apply([an_item("shoe-41", group_id="shoe", aliases=["old-41"])], now=0)
    catalogue.apply([an_item("shoe-41")], now=0)
    assert catalogue.find("old-41") == []
    assert catalogue.find("shoe") == []


def test_an_alias_that_moved_stays_with_its_new_item(catalogue: Catalogue) -> None:
    catalogue.apply([an_item("a", aliases=["x"]), an_item("b", aliases=["x"])], now=0)
    catalogue.apply([an_item("a")], now=0)
    assert catalogue.find("x") == [catalogue.rows["b"]]


def test_the_id_of_a_deleted_item_can_be_the_alias_of_another(catalogue: Catalogue) -> None:
    catalogue.apply([an_item("old"), an_item("new")], now=0)
    catalogue.apply([an_item("old", is_deleted=True)], now=0)
    assert catalogue.find("old") == [0]
    catalogue.apply([an_item("new", aliases=["old"])], now=0)
    assert catalogue.find("old") == [1]
    catalogue.apply([an_item("old"), an_item("new")], now=0)
    assert catalogue.find("old") == [0]


def test_what_answers_show_counts_in_what_the_items_occupy(catalogue: Catalogue) -> None:
    catalogue.apply([an_item("oak")], now=0)
    small = catalogue.size_bytes
    catalogue.apply([an_item("oak", public_attributes={"text": "x" * 1_000})], now=0)
    assert 1_000 < catalogue.size_bytes - small < 1_100
    catalogue.apply([an_item("oak")], now=0)
    assert catalogue.size_bytes == small


def test_a_category_holds_what_lies_below_it(catalogue: Catalogue) -> None:
    catalogue.apply(
        [an_item("pan", categories=["Home > Kitchen"]), an_item("bed", categories=["Home"])], now=0
    )
    assert catalogue.columns.categories.rows("Home").tolist() == [0, 1]
    assert catalogue.columns.categories.rows("Home > Kitchen").tolist() == [0]
    assert catalogue.columns.categories.rows("Ho").tolist() == []
    catalogue.apply([an_item("pan", categories=["Sale"])], now=0)
    assert catalogue.columns.categories.rows("Home").tolist() == [1]
    assert catalogue.columns.categories.rows("Sale").tolist() == [0]


def test_a_product_is_what_was_written_last(catalogue: Catalogue) -> None:
    catalogue.apply([an_item("oak", price="12.90")], now=0)
    catalogue.apply([an_item("oak", price="9.90")], now=0)
    assert msgspec.json.decode(catalogue.shown[0].product)["price"] == "9.90"
    assert catalogue.size == 1


def test_an_item_is_found_only_once_it_can_be_shown(catalogue: Catalogue) -> None:
    class Rows(dict[str, int]):
        @override
        def __setitem__(self, item_id: str, row: int) -> None:
            assert msgspec.json.decode(catalogue.shown[row].product)["title"] == item_id.title()
            super().__setitem__(item_id, row)

    catalogue.rows = Rows()
    catalogue.apply([an_item("oak"), an_item("elm")], now=0)
    assert catalogue.rows == {"oak": 0, "elm": 1}


def test_it_grows_beyond_its_first_capacity(catalogue: Catalogue) -> None:
    catalogue.apply([an_item(f"item-{n}", id=n, group_id=f"g{n}") for n in range(1000)], now=0)
    assert catalogue.available[:1000].all()
    assert catalogue.groups[:1000].tolist() == list(range(1000))


def test_the_newest_come_first_one_of_each_group(catalogue: Catalogue) -> None:
    catalogue.apply(
        [
            an_item("old", id=1),
            an_item("red", id=2, group_id="shirt"),
            an_item("blue", id=3, group_id="shirt"),
            an_item("new", id=4),
            an_item("given", id=5, group_id="given"),
            an_item("sibling", id=6, group_id="given"),
        ],
        now=0,
    )
    rows = newest(catalogue, hidden=catalogue.find("given"), limit=10, rules=RULES)
    assert [catalogue.item_ids[row] for row in rows] == ["new", "blue", "old"]
    each_variant = Rules.of(PopularRequest(collapse="none"))
    every = newest(catalogue, hidden=[], limit=2, rules=each_variant)
    assert [catalogue.item_ids[row] for row in every] == ["sibling", "given"]


class Growing(Catalogue):
    """A catalogue whose thread is at work each time a call looks."""

    def on_look(self) -> None:
        """Do what the thread does."""

    @override
    def members(self, group: int) -> list[int]:
        seen = super().members(group)
        self.on_look()
        return seen


class GrowingPostings(Postings):
    """Categories whose thread is at work each time a call looks."""

    is_at_work = False

    def on_look(self) -> None:
        """Do what the thread does."""

    @override
    def rows(self, word: Hashable) -> NDArray[np.int32]:
        seen = super().rows(word)
        if not self.is_at_work:
            self.is_at_work = True
            self.on_look()
            self.is_at_work = False
        return seen


def test_groups_that_come_during_a_call_do_not_break_it() -> None:
    catalogue = Growing()
    catalogue.apply([an_item(item_id, group_id="trees") for item_id in ("oak", "elm")], now=0)

    def regroup() -> None:
        for item_id in ("oak", "elm"):
            catalogue.apply([an_item(item_id, group_id=f"{item_id} {next(numbers)}")], now=0)

    numbers = count()
    catalogue.on_look = regroup  # type: ignore[method-assign]
    rows = newest(catalogue, hidden=[0], limit=10, rules=RULES)
    assert 0 not in rows


def test_items_that_come_during_a_call_do_not_break_it() -> None:
    catalogue = Catalogue()
    catalogue.columns.categories = categories = GrowingPostings()
    catalogue.apply([an_item("oak", categories=["Trees"])], now=0)
    shelf = object.__new__(Shelf)
    shelf.model, shelf.catalogue = cast(Any, "a model"), catalogue
    shelf.available = np.ones(2, dtype=np.bool_)
    shelf.item_rows = np.array([0], dtype=np.int32)

    def add_an_item() -> None:
        catalogue.apply([an_item("elm", categories=["Trees"])], now=0)
        shelf.item_rows = np.array([0, 1], dtype=np.int32)

    categories.on_look = add_an_item  # type: ignore[method-assign]
    assert shelf.in_category("Trees").tolist() == [True, False]
    assert shelf.in_category("Trees").tolist() == [True, True]
