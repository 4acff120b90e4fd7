"""A plan has room for so many items: what is there can always be changed, more is refused."""

from __future__ import annotations

from typing import Any

import pytest

from engine.models.item import Item
from engine.services.write_items import delete_item, patch_item, put_item, write_items
from saas.lib.errors import InvalidObject, RowsRejected
from tenants.context import in_environment, on_platform
from tenants.models.environment import Environment
from tenants.models.tenant import Entitlement


@pytest.fixture(autouse=True)
def room_for_three(acorn: Environment) -> None:
    with on_platform():
        Entitlement.objects.filter(pk=acorn.tenant_id).update(catalogue_items=3)


def write(environment: Environment, *ids: str, **members: Any) -> dict[str, Any]:
    rows = [{"id": item_id, "title": item_id, **members} for item_id in ids]
    with in_environment(environment):
        return write_items(environment=environment, rows=rows).as_body()


def test_one_too_many_is_a_row_error_and_the_others_are_written(acorn: Environment) -> None:
    answer = write(acorn, "a", "b", "c", "d")

    assert (answer["created"], answer["rejected"]) == (3, 1)
    (error,) = answer["errors"]
    assert (error["code"], error["index"], error["id"]) == ("catalogue_full", 3, "d")
    assert "room for 3" in error["detail"]


def test_what_is_there_can_be_changed_in_a_full_catalogue(acorn: Environment) -> None:
    write(acorn, "a", "b", "c")

    answer = write(acorn, "a", "b", price="1.50")

    assert (answer["updated"], answer["rejected"]) == (2, 0)
    with in_environment(acorn):
        patch_item(environment=acorn, item_id="c", members={"in_stock": False})
        with pytest.raises(InvalidObject, match="room for 3"):
            put_item(environment=acorn, item_id="d", members={"title": "D"})


def test_a_deleted_item_makes_room(acorn: Environment) -> None:
    write(acorn, "a", "b", "c")
    with in_environment(acorn):
        delete_item(environment=acorn, item_id="a")

    assert write(acorn, "d")["created"] == 1
    with pytest.raises(RowsRejected):
        write(acorn, "a")
    with in_environment(acorn):
        assert Item.objects.filter(deleted_at=None).count() == 3


def test_a_store_without_a_plan_has_room_for_all(birch: Environment) -> None:
    assert write(birch, *(f"item-{number}" for number in range(5)))["created"] == 5
