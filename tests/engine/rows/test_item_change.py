"""What a row does to an item: decided without a database."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from engine.rows.item_change import DEFAULTS, Op, decide_item
from engine.rows.item_row import ItemRow

OLD, NEW = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)


def _stored(**members: Any) -> dict[str, Any]:
    return {**DEFAULTS, "title": "Pan", "deleted_at": None, **members}


def _row(*, is_deletion: bool = False, **values: Any) -> ItemRow:
    return ItemRow(id="pan-24", values=values, is_deletion=is_deletion)


def test_a_new_item_gets_the_defaults() -> None:
    change = decide_item(stored=None, row=_row(title="Pan"), op="merge")
    assert (change.outcome, change.item) == ("created", {**DEFAULTS, "title": "Pan"})


@pytest.mark.parametrize("op", ["merge", "replace"])
def test_a_new_item_needs_a_title(op: Op) -> None:
    assert decide_item(stored=None, row=_row(brand="Ember"), op=op).outcome == "untitled"


def test_a_replacement_needs_a_title() -> None:
    assert decide_item(stored=_stored(), row=_row(), op="replace").outcome == "untitled"


def test_a_merge_keeps_and_a_replacement_clears_what_the_row_lacks() -> None:
    stored, row = _stored(brand="Ember", in_stock=False), _row(title="Pot")
    merged = decide_item(stored=stored, row=row, op="merge").item
    replaced = decide_item(stored=stored, row=row, op="replace").item
    assert merged is not None
    assert replaced is not None
    assert (merged["brand"], replaced["brand"]) == ("Ember", None)
    # A feed without stock puts nothing sold out back on the shelf.
    assert (merged["in_stock"], replaced["in_stock"]) == (False, False)


def test_null_sets_back_to_the_default() -> None:
    stored = _stored(categories=["Kitchen"], attributes={"colour": "red"}, brand="Ember")
    row = _row(categories=None, attributes=None, brand=None)
    change = decide_item(stored=stored, row=row, op="merge")
    assert change.item == {**DEFAULTS, "title": "Pan"}


def test_attributes_merge_name_by_name_or_are_replaced_whole() -> None:
    stored = _stored(attributes={"colour": "red", "width": 24})
    row = _row(title="Pan", attributes={"width": None, "oven": True})
    merged = decide_item(stored=stored, row=row, op="merge").item
    replaced = decide_item(stored=stored, row=row, op="replace").item
    assert merged is not None
    assert replaced is not None
    assert merged["attributes"] == {"colour": "red", "oven": True}
    assert replaced["attributes"] == {"oven": True}


def test_nothing_new_is_written_nowhere() -> None:
    change = decide_item(stored=_stored(), row=_row(title="Pan"), op="merge")
    assert (change.outcome, change.item) == ("unchanged", None)


def test_a_newer_time_stamp_alone_is_kept_but_changes_nothing() -> None:
    change = decide_item(
        stored=_stored(source_updated_at=OLD),
        row=_row(title="Pan", source_updated_at=NEW),
        op="merge",
    )
    assert change.outcome == "unchanged"
    assert change.item is not None
    assert change.item["source_updated_at"] == NEW


@pytest.mark.parametrize("deleted_at", [None, NEW])
@pytest.mark.parametrize("is_deletion", [False, True])
def test_an_older_row_is_stale_for_a_deleted_item_too(
    *, deleted_at: datetime | None, is_deletion: bool
) -> None:
    change = decide_item(
        stored=_stored(source_updated_at=NEW, deleted_at=deleted_at),
        row=_row(title="Old", source_updated_at=OLD, is_deletion=is_deletion),
        op="merge",
    )
    assert (change.outcome, change.item) == ("stale", None)


def test_the_same_time_or_none_is_not_older() -> None:
    stored = _stored(source_updated_at=NEW)
    for row in (_row(title="Pot", source_updated_at=NEW), _row(title="Pot")):
        assert decide_item(stored=stored, row=row, op="merge").outcome == "updated"


def test_a_deleted_item_comes_back_without_its_past() -> None:
    stored = _stored(deleted_at=OLD, brand="Ember", in_stock=False)
    change = decide_item(stored=stored, row=_row(title="Pan"), op="merge")
    assert (change.outcome, change.item) == ("created", {**DEFAULTS, "title": "Pan"})
    assert decide_item(stored=stored, row=_row(), op="merge").outcome == "untitled"


def test_deleting_what_is_not_there_changes_nothing() -> None:
    gone = _stored(deleted_at=OLD)
    assert decide_item(stored=None, row=_row(is_deletion=True), op="merge").outcome == "unchanged"
    assert decide_item(stored=gone, row=_row(is_deletion=True), op="merge").outcome == "unchanged"
