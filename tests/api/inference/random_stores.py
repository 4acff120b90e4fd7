"""Random stores, models and calls: what an answer must hold for, whatever is asked of whom."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import strategies as st

from api.inference.answers import Product
from api.inference.catalogue import Catalogue, ItemRow
from api.inference.identities import Identities
from api.inference.model_store import Model
from api.inference.requests import REQUEST_TYPES, Boost, Request
from api.inference.shelf import Shelf
from engine.core.artifact import Artifact
from engine.core.blend import Blend
from engine.core.parts import NeighbourPart, Part, StaticPart, vector_part
from saas.lib.trends import Trends

N_ITEMS = 14
# The catalogue lacks the first item and has one that is newer than the model.
ITEMS = tuple(f"item-{n}" for n in range(N_ITEMS))
IN_CATALOGUE = (*ITEMS[1:], "newer")
SEEDS = st.integers(0, 2**32 - 1)
ids = st.sampled_from([*ITEMS, "newer", "nowhere", "group-0", "group-1"])
id_lists = st.lists(ids, max_size=4)
filters = st.recursive(
    st.sampled_from(
        [
            {"in": ["categories", "Home"]},
            {"<": ["price", 7]},
            {"==": ["brand", "Ek"]},
            {"exists": "brand"},
        ]
    ),
    lambda inner: st.one_of(
        st.builds(lambda each: {"not": each}, inner),
        st.builds(lambda both: {"and": both}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda both: {"or": both}, st.lists(inner, min_size=1, max_size=3)),
    ),
    max_leaves=4,
)
rules = st.fixed_dictionaries(
    {"limit": st.integers(1, 8)},
    optional={
        "exclude": id_lists,
        "exclude_purchased": st.booleans(),
        "filter": filters,
        "boost": st.lists(st.builds(Boost, filters, st.sampled_from([0.1, 0.5, 3.0])), max_size=2),
        "diversity": st.sampled_from([0.3, 1.0]),
        "max_per_brand": st.integers(1, 3),
        "max_per_category": st.integers(1, 3),
        "collapse": st.sampled_from(["group", "none"]),
    },
)
OWN_MEMBERS: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "for-user": st.fixed_dictionaries({"session": id_lists}),
    "similar": st.fixed_dictionaries({"item_id": ids}),
    "cart": st.fixed_dictionaries({"item_ids": id_lists}),
    "bought-together": st.fixed_dictionaries({"item_ids": id_lists}),
    "popular": st.fixed_dictionaries({"category": st.sampled_from([None, "Home"])}),
    "trending": st.fixed_dictionaries({"category": st.sampled_from([None, "Home"])}),
    "recently-viewed": st.just({}),
    "rerank": st.fixed_dictionaries({"item_ids": st.lists(ids, min_size=1, max_size=9)}),
}


@st.composite
def calls(draw: st.DrawFn) -> tuple[str, Request]:
    type_ = draw(st.sampled_from(sorted(REQUEST_TYPES)))
    members: dict[str, Any] = draw(rules) | draw(OWN_MEMBERS[type_])
    return type_, REQUEST_TYPES[type_](**members)


def random_blend(random: np.random.Generator) -> Blend:
    popularity = random.integers(0, 3, N_ITEMS).astype(np.float32)
    links = random.normal(size=(N_ITEMS, N_ITEMS)) * (random.random((N_ITEMS, N_ITEMS)) < 0.3)
    rows, targets = np.nonzero(links)
    neighbours = NeighbourPart(
        name="ease",
        indptr=np.searchsorted(rows, np.arange(N_ITEMS + 1)).astype(np.int64),
        indices=targets.astype(np.int32),
        data=links[rows, targets].astype(np.float32),
    )
    taste = vector_part(
        name="taste",
        vectors=random.normal(size=(N_ITEMS, 3)).astype(np.float32),
        feature_vectors=np.zeros((0, 3), np.float32),
    )
    parts: tuple[Part, ...] = (StaticPart("popular", popularity), neighbours, taste)
    return Blend(parts=parts, weights={part.name: float(random.random()) for part in parts})


def random_shelf(artifact: Artifact, seed: int) -> Shelf:
    random = np.random.default_rng(seed)
    popularity = random.integers(0, 4, N_ITEMS).astype(np.float32)
    own = replace(artifact, blend=random_blend(random), popularity=popularity)
    catalogue = Catalogue()
    catalogue.apply(random_items(seed), now=0)
    shelf = Shelf(
        model=Model("v", own, 1) if random.random() < 0.9 else None,
        catalogue=catalogue,
        objections=set(),
        identities=Identities(),
        is_current=bool(random.random() < 0.9),
    )
    if random.random() < 0.5:
        described = {item.id: item for item in random_items(seed)}
        shelf.explore(
            float(random.choice([0.1, 0.5])), lambda ids: [described[each] for each in ids]
        )
    rising = [(each, random.random()) for each in IN_CATALOGUE if random.random() < 0.4]
    shelf.show_trends(Trends(last_event_id=1, rising={"24h": rising}))
    return shelf


def random_items(seed: int) -> list[ItemRow]:
    """Return the catalogue of a random shelf."""
    random = np.random.default_rng([seed, 1])
    return [random_item(random, item_id, id_) for id_, item_id in enumerate(IN_CATALOGUE)]


def random_item(random: np.random.Generator, item_id: str, id_: int) -> ItemRow:
    group, brand = random.integers(0, 5), random.integers(0, 3)
    return ItemRow(
        id=id_,
        change_seq=1,
        item_id=item_id,
        group_id=f"group-{group}" if group < 2 else None,
        aliases=[],
        categories=[["Home > Pans"], ["Home > Pots", "Sale"], []][random.integers(0, 3)],
        attributes={},
        recommendable=bool(random.random() < 0.9),
        is_deleted=False,
        available_from=4e9 if random.random() < 0.1 else None,
        available_until=None,
        product=Product(
            title=item_id,
            url=None,
            image_url=None,
            price=f"{random.integers(1, 15)}.00",
            list_price=None,
            currency="EUR",
            brand=["Ek", "Bo", None][brand],
            in_stock=bool(random.random() < 0.9),
            attributes={},
        ),
    )
