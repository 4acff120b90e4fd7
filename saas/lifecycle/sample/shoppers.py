"""Who shops in a demo store: each shopper's few tastes, how often they come and who they are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from saas.lifecycle.sample.catalogue import (
    LATENT_DIMENSIONS,
    PRICE_BANDS,
    Bools,
    Catalogue,
    Floats,
    Ints,
    blend_facets,
    section_of_leaf,
)

# A taste is shared by several shoppers: that is what a model can learn from the others.
SHOPPERS_PER_TASTE = 15
TASTES_PER_SHOPPER = 3
# Weight of a shopper's first, second and third taste.
TASTE_SHARES = (0.62, 0.27, 0.11)
TASTE_NOISE = 0.2
# Share of shoppers who were customers before the span began; the others join on the way.
JOINED_BEFORE = 0.45
# Shares of the shoppers who come anonymously at first and log in later, or never log in.
LOGS_IN_LATER, NEVER_LOGS_IN = 0.22, 0.12


@dataclass(frozen=True)
class Shoppers:
    """Shoppers as parallel arrays (row = shopper)."""

    # One vector a taste, in the items' space.
    taste_vectors: Floats
    # Shape (shoppers, TASTES_PER_SHOPPER): the strongest taste first.
    tastes: Ints
    # Share of all visits that are this shopper's.
    activity: Floats
    # When the shopper joins, as a share of all visits made by then.
    joins_at: Floats
    # Ordinal of the first visit with a login: 0 always, a large number never.
    login_visit: Ints

    def __len__(self) -> int:
        return len(self.activity)


NEVER = np.iinfo(np.int64).max


def make_shoppers(*, catalogue: Catalogue, shoppers: int, rng: np.random.Generator) -> Shoppers:
    """Draw the tastes a store's shoppers have and hand each shopper a few of them."""
    taste_count = max(24, shoppers // SHOPPERS_PER_TASTE)
    vectors, department = _draw_tastes(catalogue=catalogue, count=taste_count, rng=rng)
    # Some tastes are common, most are not.
    appeal = -0.6 * np.log(np.arange(1, taste_count + 1))
    own_department = department[rng.integers(0, taste_count, shoppers)]
    is_foreign: Bools = own_department[:, None] != department[None, :]
    noise = rng.gumbel(size=(shoppers, taste_count))
    tastes = np.argsort(is_foreign * 1e9 - appeal - noise, axis=1)[:, :TASTES_PER_SHOPPER]
    activity = np.exp(rng.normal(0.0, 1.0, shoppers))
    dice = rng.random(shoppers)
    login_visit = np.zeros(shoppers, dtype=np.int64)
    login_visit[dice < LOGS_IN_LATER] = rng.integers(1, 4, int((dice < LOGS_IN_LATER).sum()))
    login_visit[dice >= 1 - NEVER_LOGS_IN] = NEVER
    return Shoppers(
        taste_vectors=vectors,
        tastes=tastes,
        activity=activity / activity.sum(),
        joins_at=np.maximum(0.0, rng.uniform(-JOINED_BEFORE / (1 - JOINED_BEFORE), 1, shoppers)),
        login_visit=login_visit,
    )


def _draw_tastes(
    *, catalogue: Catalogue, count: int, rng: np.random.Generator
) -> tuple[Floats, Ints]:
    """Make each taste out of one item the store has: a category, style, brand and price level."""
    spec = catalogue.spec
    is_good = np.array([not leaf.is_accessory for leaf in spec.leaves])[catalogue.leaf]
    model = rng.choice(np.flatnonzero(is_good), count)
    works = [catalogue.works[row] for row in catalogue.work[model]]
    department = np.array([work.department for work in works])
    rows = {
        "leaf": catalogue.leaf[model],
        "section": section_of_leaf(spec)[catalogue.leaf[model]],
        "style": np.array([work.style for work in works]),
        "brand": np.array([work.brand for work in works]),
        "department": department,
        "variant": catalogue.variant[model],
        "price": rng.integers(0, PRICE_BANDS, count),
    }
    noise = rng.normal(0, TASTE_NOISE, (count, LATENT_DIMENSIONS))
    return blend_facets(facets=catalogue.facets, rows=rows, noise=noise), department
