from __future__ import annotations

from typing import Any

import msgspec
import pytest

from api.inference.catalogue import ItemRow, ShownRow
from api.inference.catalogue_reader import Clock, ErasureRow, Position, ShopperRow
from api.inference.followed import Followed
from api.inference.link_table import LinkRow
from api.inference.snapshot import Environment
from tests.api.inference.test_catalogue import an_item

ACORN = Environment(
    id=1,
    tenant_id="acorn",
    kind="live",
    schema_name="t_acorn",
    role_name="r_acorn",
    live_version=None,
    is_deleted=False,
)


class Reader:
    """Pages of one row; fails where a page is an error."""

    def __init__(self, *pages: ItemRow | Exception) -> None:
        self._pages = list(pages)
        self.asked: list[Position] = []
        self.shown_pages: list[list[ShownRow]] = []
        self.shown_asked: list[int] = []

    def items(self, environment: Environment, after: Position) -> list[ItemRow]:
        self.asked.append(after)
        page = self._pages.pop(0) if self._pages else None
        if isinstance(page, Exception):
            raise page
        return [page] if page else []

    def shown(self, environment: Environment, after: int) -> list[ShownRow]:
        self.shown_asked.append(after)
        return self.shown_pages.pop(0) if self.shown_pages else []

    def unfilterable(self, environment: Environment) -> frozenset[str]:
        return frozenset()

    def shoppers(self, environment: Environment, after: Position) -> list[ShopperRow]:
        return []

    def links(self, environment: Environment, after: int) -> list[LinkRow]:
        return []

    def erasures(self, environment: Environment, after: int) -> list[ErasureRow]:
        return []


@pytest.fixture(autouse=True)
def pages_of_one_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.inference.followed.PAGE_ROWS", 1)


def catch_up(followed: Followed, reader: Any, *, clock: int) -> None:
    followed.catch_up(reader, ACORN, clock=Clock(catalogue=clock))


def test_a_reading_that_fails_half_way_forgets_nothing() -> None:
    followed = Followed()
    oak, elm = an_item("oak", id=1, change_seq=1), an_item("elm", id=2, change_seq=1)
    reader = Reader(oak, ConnectionError(), elm)
    with pytest.raises(ConnectionError):
        catch_up(followed, reader, clock=1)
    assert (followed.is_complete, followed.take_touched()) == (False, [0])
    catch_up(followed, reader, clock=1)
    assert (followed.is_complete, followed.take_touched()) == (True, [1])
    assert reader.asked[2] == Position(change_seq=1, id=1)


def test_what_answers_show_is_read_anew_when_it_changes_and_only_then() -> None:
    followed = Followed()
    reader: Any = Reader(an_item("oak", id=1, change_seq=1), an_item("elm", id=2, change_seq=1))
    reader.shown_pages = [[ShownRow(1, "oak", '{"height": 9}')], [ShownRow(2, "elm", None)]]
    followed.catch_up(reader, ACORN, clock=Clock(1, shown=1))
    assert reader.shown_asked == []
    followed.catch_up(reader, ACORN, clock=Clock(2, shown=2))
    assert reader.shown_asked == [0, 1, 2]
    products = [msgspec.json.decode(each.product) for each in followed.catalogue.shown]
    assert [each["attributes"] for each in products] == [{"height": 9}, {}]
    assert [each["title"] for each in products] == ["Oak", "Elm"]
    followed.catch_up(reader, ACORN, clock=Clock(3, shown=2))
    assert reader.shown_asked == [0, 1, 2]


def test_a_large_catalogue_is_read_over_several_turns() -> None:
    followed = Followed()
    reader = Reader(*(an_item(f"item-{n}", id=n, change_seq=1) for n in range(1, 6)))
    catch_up(followed, reader, clock=1)
    assert (followed.is_complete, followed.catalogue.size) == (False, 4)
    catch_up(followed, reader, clock=1)
    assert (followed.is_complete, followed.catalogue.size) == (True, 5)


def test_nothing_is_asked_while_the_clock_stands_still() -> None:
    followed = Followed()
    reader = Reader()
    catch_up(followed, reader, clock=1)
    catch_up(followed, reader, clock=1)
    assert len(reader.asked) == 1
