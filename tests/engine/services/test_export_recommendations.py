"""Recommendations as a file: the live model on what is known when it is written."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Iterator
from typing import Any

import orjson
import pyarrow.parquet as pq
import pytest
from django.utils import timezone

from engine.selectors import recommendation_rows
from engine.selectors.exports import download_of_export
from engine.services import request_export
from engine.services.ingest_events import ingest_events
from engine.services.remove_old_artifacts import artifacts_of
from engine.services.write_items import write_items
from engine.services.write_users import patch_user
from saas.lib.errors import Conflict
from tenants.context import in_environment
from tenants.models.environment import Environment
from tests.engine.exporting import content_of, write_export
from tests.engine.small_store import fill_store
from tests.engine.training import train

SHOPPERS = 40


@pytest.fixture
def shop(acorn: Environment) -> Iterator[Environment]:
    fill_store(acorn, shoppers=SHOPPERS, views=12)
    train(acorn)
    acorn.refresh_from_db()
    yield acorn
    shutil.rmtree(artifacts_of(acorn.pk))


def lists_of(shop: Environment, **asked: Any) -> dict[str, list[dict[str, str]]]:
    text = content_of(write_export(shop, kind="recommendations", **asked)).decode()
    lists: dict[str, list[dict[str, str]]] = {}
    for row in csv.DictReader(io.StringIO(text, newline="")):
        lists.setdefault(row["user_id"], []).append(row)
    return lists


def items_of(rows: list[dict[str, str]]) -> list[str]:
    return [row["item_id"] for row in rows]


def test_every_user_gets_a_list_of_their_own(
    shop: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recommendation_rows, "USERS_AT_ONCE", 7)
    lists = lists_of(shop, length=5)
    assert list(lists) == sorted(f"u{number}" for number in range(SHOPPERS))
    for rows in lists.values():
        assert [row["rank"] for row in rows] == ["1", "2", "3", "4", "5"]
        assert len(set(items_of(rows))) == 5
        scores = [float(row["score"]) for row in rows]
        assert scores == sorted(scores, reverse=True)
        assert {row["strategy"] for row in rows} == {"personal"}
    assert len({tuple(items_of(rows)) for rows in lists.values()}) > SHOPPERS / 2


def test_a_list_knows_what_happened_since_the_training(shop: Environment) -> None:
    (first, second, *_) = items_of(lists_of(shop, user_ids=["u3"])["u3"])
    bought = {"type": "purchase", "user_id": "u3", "item_id": first}
    newcomer = {"type": "view", "user_id": "newcomer", "item_id": first}
    with in_environment(shop):
        ingest_events(environment=shop, rows=[bought, newcomer], received_at=timezone.now())
        write_items(environment=shop, rows=[{"id": second, "in_stock": False}])
    lists = lists_of(shop, user_ids=["u3", "newcomer"])
    assert not {first, second} & set(items_of(lists["u3"]))
    assert lists["newcomer"][0]["strategy"] == "personal"
    assert first in items_of(lists["newcomer"])


def test_who_is_unknown_or_objects_gets_what_is_popular(shop: Environment) -> None:
    with in_environment(shop):
        patch_user(environment=shop, user_id="u3", members={"personalise": False})
    assert "u3" not in lists_of(shop)
    lists = lists_of(shop, user_ids=["u3", "stranger", "u4"], length=3)
    assert list(lists) == ["u3", "stranger", "u4"]
    assert [rows[0]["strategy"] for rows in lists.values()] == ["popular", "popular", "personal"]
    assert items_of(lists["u3"]) == items_of(lists["stranger"])


@pytest.mark.parametrize("file_format", ["ndjson", "parquet"])
def test_the_other_formats_say_the_same(shop: Environment, file_format: str) -> None:
    asked: dict[str, Any] = {"user_ids": ["u1", "u2"], "length": 2}
    expected = [
        (user_id, int(row["rank"]), row["item_id"], float(row["score"]))
        for user_id, rows in lists_of(shop, **asked).items()
        for row in rows
    ]
    export = write_export(shop, kind="recommendations", file_format=file_format, **asked)
    if file_format == "ndjson":
        rows = [orjson.loads(line) for line in content_of(export).splitlines()]
    else:
        rows = pq.read_table(download_of_export(export).path).to_pylist()
    said = [(row["user_id"], row["rank"], row["item_id"], row["score"]) for row in rows]
    assert said == expected


def test_whose_lists_were_asked_for_is_not_kept(shop: Environment) -> None:
    export = write_export(shop, kind="recommendations", user_ids=["u1"])
    assert (export.status, export.user_ids, export.rows_written) == ("completed", None, 10)


def test_without_a_live_model_there_is_nothing_to_write(acorn: Environment) -> None:
    with pytest.raises(Conflict, match="train one first"):
        write_export(acorn, kind="recommendations")


def test_a_model_that_went_meanwhile_is_a_failure_with_a_reason(
    acorn: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_export, "live_version_of", lambda environment_id: "01K")
    export = write_export(acorn, kind="recommendations", user_ids=["u1"])
    assert (export.status, export.user_ids) == ("failed", None)
    assert "train one first" in str(export.error)
