"""Placements are numbers in the records; their names are written down beside."""

from __future__ import annotations

import os
from collections.abc import Iterator

import psycopg
import pytest

from billing.metering import labels as module
from billing.metering.labels import Labels
from billing.metering.record import tag_of

STORE = 987_654


@pytest.fixture
def database_url(migrated: None) -> Iterator[str]:
    yield os.environ["DATABASE_URL"]
    with psycopg.connect(os.environ["DATABASE_OWNER_URL"]) as owner:
        owner.execute("DELETE FROM billing_usagelabel WHERE environment_id = %s", [STORE])


def names(database_url: str) -> dict[int, str]:
    with psycopg.connect(database_url) as connection:
        rows = connection.execute(
            "SELECT tag, name FROM billing_usagelabel WHERE environment_id = %s", [STORE]
        )
        return dict(rows.fetchall())


def test_a_placement_is_named_once(database_url: str) -> None:
    labels = Labels(database_url)
    assert labels.tag(STORE, "home") == labels.tag(STORE, "home") == tag_of("home")
    assert labels.tag(STORE, None) == 0
    labels.save()
    # Another process has met it, too.
    other = Labels(database_url)
    other.tag(STORE, "home")
    other.start()
    other.stop()

    assert names(database_url) == {tag_of("home"): "home"}


def test_names_wait_for_postgresql(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    labels = Labels("postgresql://127.0.0.1:1/x")
    labels.tag(STORE, "home")
    labels.save()
    monkeypatch.setattr(labels, "_database_url", database_url)
    labels.save()

    assert names(database_url) == {tag_of("home"): "home"}


def test_a_page_cannot_fill_the_memory_with_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_PLACEMENTS", 2)
    labels = Labels("")

    assert [bool(labels.tag(STORE, f"place-{number}")) for number in range(3)] == [
        True,
        True,
        False,
    ]
