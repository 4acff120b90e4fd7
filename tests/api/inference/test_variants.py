"""Which of a product's variants is shown, and by whose score it stands where it stands."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from api.inference.answering import Visit
from api.inference.answers import Freshness
from api.inference.catalogue import Catalogue
from api.inference.credentials import Caller
from api.inference.explain_requests import Question
from api.inference.explaining import explain
from api.inference.explanations import Explanation
from api.inference.identities import Identities
from api.inference.model_store import Model
from api.inference.recent_events import Recents
from api.inference.recommend import Outcome, recommend
from api.inference.rendering import item_ids
from api.inference.requests import Boost, PopularRequest, Request, SimilarRequest
from api.inference.shelf import Shelf
from api.inference.shopper import Shopper
from engine.core.artifact import open_artifact
from saas.lib.recent_events import RecentEvent
from tests.api.inference.models import ITEMS, NEWEST_SECONDS, write_model
from tests.api.inference.test_catalogue import an_item

# What item-0 stands for: its next two are like it. Of the pots 2 is in demand, of the pans 3.
POTS, PANS = ("item-2", "item-6"), ("item-3", "item-4", "item-5")
AFTER_THE_MODEL = NEWEST_SECONDS * 1000 + 5_000


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    """Eight items, the first the most in demand; pots and pans come in variants."""
    version = write_model(tmp_path, 1, viewed={"u:ada": [6]})
    catalogue = Catalogue()
    groups = dict.fromkeys(POTS, "pot") | dict.fromkeys(PANS, "pan")
    catalogue.apply([an_item(each, group_id=groups.get(each)) for each in ITEMS], now=0)
    artifact = open_artifact(tmp_path / "1" / version, verify=True)
    return Shelf(
        model=Model(version, artifact, 1),
        catalogue=catalogue,
        objections=set(),
        identities=Identities(),
        is_current=True,
    )


def visitor(shelf: Shelf, *viewed: str, user_id: str | None = None) -> Shopper:
    events = [
        RecentEvent(item_id, "view", AFTER_THE_MODEL + place)
        for place, item_id in enumerate(viewed)
    ]
    traces = shelf.identities.traces(user_id=user_id, anonymous_id="eve")
    return Shopper(traces, Recents(tuple(reversed(events))))


def shown(shelf: Shelf, request: Request, shopper: Shopper) -> list[str]:
    return item_ids(recommend(request, shelf=shelf, shopper=shopper).picked, shelf)


def told(shelf: Shelf, item_id: str, shopper: Shopper, **asked: Any) -> Explanation:
    visit = Visit(cast(Caller, None), shelf, shopper, Freshness(None, None))
    request = PopularRequest(**asked)
    return explain(visit, Question("popular", request, item_id), started=0)


def test_the_variant_in_demand_is_shown_to_who_has_seen_none(shelf: Shelf) -> None:
    # Item 6 is much like item 4, but item 2 of the same pot is more in demand.
    assert shown(shelf, SimilarRequest(item_id="item-4"), Shopper()) == ["item-2"]
    catalogue = shelf.catalogue
    shelf.refresh(catalogue.apply([an_item("item-2", group_id="pot", in_stock=False)], now=0))
    assert shown(shelf, SimilarRequest(item_id="item-4"), Shopper()) == ["item-6"]


def test_the_variant_seen_last_is_shown_as_long_as_it_is_on_sale(shelf: Shelf) -> None:
    eve = visitor(shelf, "item-5", "item-4", "item-0")
    everything = ["item-0", "item-1", "item-2", "item-4", "item-7"]
    assert shown(shelf, PopularRequest(), eve) == everything
    sold_out = an_item("item-4", group_id="pan", in_stock=False)
    shelf.refresh(shelf.catalogue.apply([sold_out], now=0))
    assert shown(shelf, PopularRequest(), eve) == [*everything[:3], "item-5", "item-7"]
    unwanted = PopularRequest(filter={"!=": ["id", "item-5"]})
    assert shown(shelf, unwanted, eve) == [*everything[:3], "item-3", "item-7"]
    every = PopularRequest(collapse="none", limit=4)
    assert shown(shelf, every, eve) == ["item-0", "item-1", "item-2", "item-3"]


def test_the_model_remembers_what_was_seen(shelf: Shelf) -> None:
    ada = Shopper(shelf.identities.traces(user_id="ada", anonymous_id=None))
    assert shown(shelf, PopularRequest(limit=3), ada) == ["item-0", "item-1", "item-6"]


def test_a_boost_comes_before_what_was_seen(shelf: Shelf) -> None:
    boost = [Boost(filter={"==": ["id", "item-3"]}, factor=2.0)]
    eve = visitor(shelf, "item-5")
    found = shown(shelf, PopularRequest(boost=boost), eve)
    assert set(PANS) & set(found) == {"item-3"}


def test_a_variant_stands_where_the_best_of_its_group_would(shelf: Shelf) -> None:
    eve = visitor(shelf, "item-5")
    outcome: Outcome = recommend(PopularRequest(), shelf=shelf, shopper=eve)
    alone = recommend(PopularRequest(collapse="none"), shelf=shelf, shopper=eve)
    scores = dict(zip(ITEMS, (score for _, _, score, *_ in alone.picked), strict=True))
    assert [(ITEMS[row], score) for row, _, score, *_ in outcome.picked][3] == (
        "item-5",
        scores["item-3"],
    )
    explained = told(shelf, "item-5", eve)
    assert (explained.shown, explained.rank, explained.score_rank) == (True, 4, 4)
    assert sum(part.score for part in explained.parts) == pytest.approx(scores["item-3"], abs=1e-5)
    (rule,) = told(shelf, "item-3", eve).kept_out_by
    assert (rule.code, rule.item_id) == ("group", "item-5")
    (rule,) = told(shelf, "item-4", eve).kept_out_by
    assert (rule.code, rule.item_id) == ("group", "item-5")


def test_caps_count_the_variant_that_is_shown(shelf: Shelf) -> None:
    changed = [an_item("item-0", brand="Ek"), an_item("item-5", brand="Ek", group_id="pan")]
    shelf.refresh(shelf.catalogue.apply(changed, now=0))
    eve = visitor(shelf, "item-5")
    one = PopularRequest(max_per_brand=1)
    assert shown(shelf, one, eve) == ["item-0", "item-1", "item-2", "item-7"]
    assert shown(shelf, one, Shopper())[3] == "item-3"
