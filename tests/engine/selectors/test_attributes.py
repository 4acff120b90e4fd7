"""What declarations mean to those who read the catalogue: models, and looks at a large one."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from engine.selectors import attributes, catalogue_sample
from engine.selectors.training_data import training_data
from engine.services.declare_attribute import declare_attribute
from engine.services.ingest_events import ingest_events
from engine.services.write_items import write_items
from tenants.context import in_environment
from tenants.models.environment import Environment


def test_models_learn_from_every_attribute_but_those_kept_out(acorn: Environment) -> None:
    with in_environment(acorn):
        write_items(
            environment=acorn,
            rows=[{"id": "a", "title": "A", "attributes": {"colour": "red", "margin": 3}}],
        )
        view = {"type": "view", "user_id": "ada", "item_id": "a"}
        ingest_events(environment=acorn, rows=[view], received_at=datetime(2026, 6, 1, tzinfo=UTC))
        declare_attribute(
            environment=acorn, name="colour", members={"type": "string"}, actor="test"
        )
        (item,) = training_data().dataset.items
        assert item.attributes == {"colour": "red", "margin": "3"}
        declare_attribute(environment=acorn, name="margin", members={"learn": False}, actor="test")
        (item,) = training_data().dataset.items
        assert item.attributes == {"colour": "red"}


def test_a_large_catalogue_is_looked_at_in_part(
    acorn: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    with in_environment(acorn):
        for start in range(0, 3_000, 1_000):
            write_items(
                environment=acorn,
                rows=[
                    {"id": f"i{number}", "title": "I" * 400, "attributes": {"width": number}}
                    for number in range(start, start + 1_000)
                ],
            )
        assert attributes.seen_types() == {"width": {"number": 3_000}}
        monkeypatch.setattr(catalogue_sample, "MOST_PAGES", 40)
        assert catalogue_sample.sampled_percent() < 50
        seen = attributes.seen_types()["width"]["number"]
    # About 15 of these items lie on a page.
    assert 0 < seen < 2_000
