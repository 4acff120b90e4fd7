"""New items have their share of personal lists: no more, no less, and for whom they fit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest

from api.inference.answering import Visit
from api.inference.answers import Freshness
from api.inference.catalogue import Catalogue, ItemRow
from api.inference.credentials import Caller
from api.inference.explain_requests import Question
from api.inference.explaining import explain
from api.inference.explanations import Explanation
from api.inference.identities import Identities
from api.inference.model_store import Model
from api.inference.new_items import MOST_ITEMS
from api.inference.recent_events import Recents
from api.inference.recommend import Outcome, recommend
from api.inference.rendering import answer_items, item_ids
from api.inference.requests import Boost, ForUserRequest
from api.inference.shelf import Shelf
from api.inference.shopper import Shopper
from engine.core.artifact import Artifact
from engine.core.blend import Blend
from engine.core.parts import vector_part
from engine.core.string_table import string_table
from saas.lib.recent_events import RecentEvent
from tests.api.inference.conftest import Hand, Service, eventually
from tests.api.inference.models import NEWEST_SECONDS
from tests.api.inference.random_stores import ITEMS, N_ITEMS, random_blend
from tests.api.inference.test_catalogue import an_item

# Pans are even, books are odd. Nobody has turned to the last two yet: a pan and a book.
NEW_PAN, NEW_BOOK = "item-12", "item-13"
CATEGORIES = ("Pans", "Books")


def category_of(item_id: str) -> list[str]:
    return [CATEGORIES[int(item_id.partition("-")[2]) % 2]]


@pytest.fixture
def model(artifact: Artifact) -> Model:
    """A model of two tastes; what is new it knows by category alone."""
    tastes = np.eye(2, dtype=np.float32)
    vectors = tastes[np.arange(N_ITEMS) % 2]
    # So that no two score alike.
    vectors = vectors + np.linspace(0.2, 0, N_ITEMS, dtype=np.float32)[:, None]
    part = vector_part(name="factors", vectors=vectors, feature_vectors=tastes)
    popularity = np.ones(N_ITEMS, np.float32)
    popularity[-2:] = 0
    own = replace(
        artifact,
        blend=Blend(parts=(part,), weights={"factors": 1.0}),
        popularity=popularity,
        feature_names=string_table([f"category:{each}" for each in CATEGORIES]),
        feature_idf=np.ones(2, np.float32),
    )
    return Model("v", own, 1)


class Store:
    """A shelf, and how its items are described to who asks by database id."""

    def __init__(self, model: Model | None) -> None:
        self.items: dict[int, ItemRow] = {}
        self.asked: list[Sequence[int]] = []
        catalogue = Catalogue()
        self.shelf = Shelf(
            model=model,
            catalogue=catalogue,
            objections=set(),
            identities=Identities(),
            is_current=True,
        )
        for item_id in ITEMS:
            self.put(item_id)

    def put(self, item_id: str, **fields: Any) -> None:
        id_ = next((n for n, it in self.items.items() if it.item_id == item_id), len(self.items))
        row = an_item(item_id, **{"id": id_, "categories": category_of(item_id), **fields})
        self.items[id_] = row
        self.shelf.refresh(self.shelf.catalogue.apply([row], now=0))

    def describe(self, ids: Sequence[int]) -> list[ItemRow]:
        self.asked.append(ids)
        return [self.items[each] for each in ids]

    def outcome(
        self, *, share: float = 0.25, shopper: Shopper | None = None, **asked: Any
    ) -> Outcome:
        """Ask for someone who likes pans, unless the call says otherwise."""
        self.shelf.explore(share, self.describe)
        request = ForUserRequest(**{"session": ["item-0"], "limit": 4, **asked})
        return recommend(request, shelf=self.shelf, shopper=shopper or Shopper())

    def ids(self, **asked: Any) -> list[str]:
        return item_ids(self.outcome(**asked).picked, self.shelf)

    def explained(self, item_id: str, **asked: Any) -> Explanation:
        visit = Visit(cast(Caller, None), self.shelf, Shopper(), Freshness(None, None))
        request = ForUserRequest(**{"session": ["item-0"], "limit": 4, **asked})
        return explain(visit, Question("for-user", request, item_id), started=0)


@pytest.fixture
def store(model: Model) -> Store:
    return Store(model)


def new_in(ids: Sequence[str]) -> list[str]:
    return [each for each in ids if each in {NEW_PAN, NEW_BOOK}]


def test_a_new_item_has_the_last_place_and_says_so(store: Store) -> None:
    outcome = store.outcome(filter={"in": ["categories", "Pans"]})
    *others, last = answer_items(outcome.picked, store.shelf)
    assert [each.id for each in others] == ["item-2", "item-4", "item-6"]
    assert (last.id, last.rank, last.source) == (NEW_PAN, 4, "exploration")
    assert (last.reason.code, last.reason.text) == ("new_for_you", "New, and perhaps for you")


@pytest.mark.parametrize(
    ("share", "limit", "places"),
    [(0.0, 4, 0), (0.25, 4, 1), (0.5, 4, 2), (0.25, 3, 0.75), (0.1, 5, 0.5), (0.1, 2, 0.2)],
)
def test_a_share_of_the_places_is_kept_whatever_the_lists_length(
    store: Store, share: float, limit: int, places: float
) -> None:
    draws = 400
    found = sum(
        len(new_in(store.ids(share=share, limit=limit, seed=draw))) for draw in range(draws)
    )
    # A draw deviates by at most 1/2: three standard errors are 0.075.
    assert found / draws == pytest.approx(places, abs=0.075 if places % 1 else 0)


def test_what_fits_the_taste_is_met_more_often_but_not_alone(store: Store) -> None:
    met = Counter(each for seed in range(400) for each in new_in(store.ids(seed=seed)))
    # The pan comes first unless it is the book's turn alone: 1 - 1/4 * 3/4 of the draws.
    assert met[NEW_PAN] / 400 == pytest.approx(1 - 3 / 16, abs=0.06)
    assert met[NEW_BOOK] == 400 - met[NEW_PAN]


def test_a_shopper_sees_the_same_list_for_a_while(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def met_at(seconds: float, user_id: str) -> str:
        monkeypatch.setattr("time.time", lambda: seconds)
        return new_in(store.ids(user_id=user_id))[0]

    hour = 3600.0 * 400_000
    by_user = {user: met_at(hour, user) for user in map(str, range(60))}
    assert {user: met_at(hour + 3599, user) for user in by_user} == by_user
    assert {user: met_at(hour + 3600, user) for user in by_user} != by_user
    assert len(set(by_user.values())) == 2


@pytest.mark.parametrize(
    "asked",
    [
        {"exclude": [NEW_PAN, NEW_BOOK]},
        {"filter": {"<": ["price", 5]}},
        {"max_per_category": 1},
        {"max_per_brand": 1},
        {"session": []},
        {"session": [NEW_PAN, NEW_BOOK, "item-0"]},
    ],
    ids=["excluded", "filtered", "category full", "brand full", "nobody", "given"],
)
def test_the_calls_rules_hold_for_new_items(store: Store, asked: dict[str, Any]) -> None:
    for item_id in ITEMS:
        is_new = item_id in {NEW_PAN, NEW_BOOK}
        store.put(item_id, brand="Ek", price="9.00" if is_new else "4.00")
    for seed in range(8):
        ids = store.ids(seed=seed, **asked)
        assert new_in(ids) == []
    assert ids


def test_what_is_sold_out_or_was_bought_is_not_met(store: Store) -> None:
    store.put(NEW_BOOK, in_stock=False)
    assert new_in(store.ids()) == [NEW_PAN]
    bought = Recents((RecentEvent(NEW_PAN, "purchase", NEWEST_SECONDS * 1000),))
    assert new_in(store.ids(shopper=Shopper((), bought))) == []
    again = {"shopper": Shopper((), bought), "exclude_purchased": False}
    # What was bought speaks for itself by now.
    assert new_in(store.ids(**again)) == [NEW_PAN]
    # Between looking for new items and the call.
    store.shelf.catalogue.apply([an_item(NEW_PAN, in_stock=False)], now=0)
    assert new_in(store.ids()) == []


def test_a_new_variant_does_not_stand_beside_its_sibling(store: Store) -> None:
    store.put("item-2", group_id="pan")
    store.put(NEW_PAN, group_id="pan")
    store.put(NEW_BOOK, in_stock=False)
    ids = store.ids()
    assert len({"item-2", NEW_PAN} & set(ids)) == 1
    # The place goes back to who would have had it.
    assert len(ids) == 4


def test_places_that_new_items_cannot_fill_are_the_others(store: Store) -> None:
    ids = store.ids(share=0.5, exclude=[NEW_BOOK])
    assert (len(ids), new_in(ids)) == (4, [NEW_PAN])


def test_no_item_comes_twice(store: Store) -> None:
    # The list has room for all but the given one, the new ones included.
    for seed in range(8):
        ids = store.ids(limit=14, seed=seed)
        assert sorted(ids) == sorted(ITEMS[1:])


def test_an_item_newer_than_the_model_is_known_by_its_features(store: Store) -> None:
    for item_id in (NEW_PAN, NEW_BOOK):
        store.put(item_id, in_stock=False)
    store.put("item-100", categories=["Pans"])
    store.put("item-101", categories=["Books"])
    met = Counter(each for seed in range(100) for each in store.ids(seed=seed) if each not in ITEMS)
    assert met["item-100"] > 60
    assert met["item-100"] + met["item-101"] == 100
    # They are described once, and anew where they have changed.
    assert [sorted(ids) for ids in store.asked] == [[N_ITEMS, N_ITEMS + 1]]
    store.put("item-101", categories=["Pans"])
    store.ids()
    assert store.asked[-1] == [N_ITEMS + 1]


def test_only_the_newest_are_kept(store: Store) -> None:
    for number in range(100, 100 + MOST_ITEMS):
        store.put(f"item-{number}")
    store.ids()
    new = store.shelf.new_items
    assert new is not None
    assert len(new.rows) == MOST_ITEMS
    assert store.shelf.catalogue.rows[NEW_PAN] not in new.catalogue_rows.tolist()


def test_nothing_is_looked_for_while_nothing_changes(store: Store) -> None:
    store.ids()
    found = store.shelf.new_items
    store.shelf.refresh([])
    store.ids()
    assert store.shelf.new_items is found
    store.put("item-1", brand="Ek")
    store.ids()
    assert store.shelf.new_items is not found


def test_a_reading_that_failed_is_tried_again(store: Store) -> None:
    store.put("item-100")

    def away(ids: Sequence[int]) -> list[ItemRow]:
        raise ConnectionError(ids)

    with pytest.raises(ConnectionError):
        store.shelf.explore(0.25, away)
    store.ids()
    assert store.shelf.new_items is not None


def test_a_model_without_vectors_gives_each_its_turn(model: Model) -> None:
    neighbours = random_blend(np.random.default_rng(0)).parts[1]
    blend = Blend(parts=(neighbours,), weights={neighbours.name: 1.0})
    store = Store(replace(model, artifact=replace(model.artifact, blend=blend)))
    met = Counter(each for seed in range(200) for each in new_in(store.ids(seed=seed)))
    assert met[NEW_PAN] + met[NEW_BOOK] == 200
    assert min(met[NEW_PAN], met[NEW_BOOK]) > 60


def test_explain_reads_new_items_off_the_same_list(store: Store) -> None:
    boost = [Boost(filter={"in": ["categories", "Pans"]}, factor=2.0)]
    asked: dict[str, Any] = {"filter": {"in": ["categories", "Pans"]}, "boost": boost}
    *_, last = answer_items(store.outcome(**asked).picked, store.shelf)
    told = store.explained(NEW_PAN, **asked)
    assert (told.shown, told.rank, told.score, told.source) == (True, 4, last.score, "exploration")
    assert (told.reason, told.score_rank, told.boost) == (last.reason, None, None)
    (part,) = told.parts
    assert (part.code, part.score) == ("factors", last.score)
    # Whose place it has.
    (rule,) = store.explained("item-8", **asked).kept_out_by
    assert rule.code == "exploration"
    (rule,) = store.explained("item-10", **asked).kept_out_by
    assert rule.code == "limit"


def test_a_new_item_is_met_within_seconds_until_the_store_decides_otherwise(
    service: Service, acorn_hand: Hand, shop: Callable[..., None]
) -> None:
    shop()
    key = acorn_hand.make_key()
    asked = {"session": ["item-0"], "limit": 10}
    assert "lamp" not in service.ids("for-user", key, asked)
    acorn_hand.put("lamp")
    eventually(lambda: "lamp" in service.ids("for-user", key, asked))
    item = service.post("for-user", key, asked).json()["items"][-1]
    assert (item["id"], item["source"]) == ("lamp", "exploration")
    acorn_hand.explore(0)
    service.catch_up(acorn_hand.control_seq())
    eventually(lambda: "lamp" not in service.ids("for-user", key, asked))


def test_a_page_may_not_choose_the_draw(service: Service, acorn_hand: Hand) -> None:
    page = acorn_hand.make_key(kind="publishable", allowed_origins=["https://acorn.example"])
    origin = {"Origin": "https://acorn.example"}
    refused = service.post("for-user", page, {"seed": 1}, headers=origin).json()
    assert (refused["code"], refused["errors"][0]["pointer"]) == ("unknown_field", "/seed")
