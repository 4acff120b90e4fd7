"""The shelves of a demo store before any shopper walks in: items, latent vectors, launches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt

from saas.lifecycle.sample.spec import StoreSpec
from saas.lifecycle.sample.titles import Brands, Work, make_brands, make_works

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

# Launches, seasons and trends change at the edges of periods, so that a period is one table.
DAYS_PER_PERIOD = 6
PERIODS = 30
SPAN_DAYS = DAYS_PER_PERIOD * PERIODS

LATENT_DIMENSIONS = 24
PRICE_BANDS = 5
# How much each facet of an item says about who likes it.
FACET_WEIGHTS = {
    "section": 0.6,
    "leaf": 0.8,
    "style": 0.7,
    "brand": 0.6,
    "department": 0.7,
    "variant": 0.3,
    "price": 0.4,
}
ITEM_NOISE = 0.25

# Shares of the titles: launched within the span, launched in its last days, not launched yet.
LAUNCHED_WITHIN, LAUNCHED_LAST, NOT_LAUNCHED = 0.20, 0.04, 0.03
# Shares of the items: sold out in the last weeks, and kept out of recommendations by the store.
GONE_SHARE, WITHHELD_SHARE = 0.04, 0.015


@dataclass(frozen=True)
class Catalogue:
    """Items as parallel arrays (row = item); the variants of a work are neighbours."""

    spec: StoreSpec
    works: Sequence[Work]
    brands: Brands
    facets: Mapping[str, Floats]
    work: Ints
    # Row of spec.variants, -1 for goods that come in one form only.
    variant: Ints
    leaf: Ints
    price_minor: Ints
    vectors: Floats
    popularity: Floats
    # First period in which the item sells (PERIODS: none yet), and the first in which it is gone.
    launch_period: Ints
    gone_period: Ints
    is_recommendable: Bools
    ends_at: datetime

    def __len__(self) -> int:
        return len(self.work)

    def period_start(self, period: int) -> datetime:
        """Return the moment a period begins; periods count back from `ends_at`."""
        return self.ends_at - timedelta(days=SPAN_DAYS - period * DAYS_PER_PERIOD)


def make_catalogue(
    *, spec: StoreSpec, items: int, ends_at: datetime, rng: np.random.Generator
) -> Catalogue:
    """Draw the titles of a store, split them into variants and place them in taste space."""
    # Two variants a title on average, some to spare: the last title is cut to fit.
    planned = items * 2 // 3
    brands = make_brands(spec=spec, works=planned, rng=rng)
    works = make_works(spec=spec, brands=brands, works=planned, rng=rng)
    work, variant = _split_into_variants(spec=spec, works=works, items=items, rng=rng)
    works = works[: int(work[-1]) + 1]
    facets = _draw_facets(spec=spec, brands=brands, rng=rng)
    leaf = np.array([entry.leaf for entry in works])[work]
    launch_period, gone_period = _draw_life(works=len(works), work=work, rng=rng)
    base_price = np.array([entry.price for entry in works])
    factors = np.array([choice.price_factor for choice in spec.variants] + [1.0])
    demand = np.array([choice.demand for choice in spec.variants] + [1.0])
    steps = np.maximum(
        np.rint(base_price[work] * factors[variant] * 100 / spec.price_step_minor), 1
    )
    rows = {
        "leaf": leaf,
        "section": section_of_leaf(spec)[leaf],
        "style": np.array([entry.style for entry in works])[work],
        "brand": np.array([entry.brand for entry in works])[work],
        "department": np.array([entry.department for entry in works])[work],
        "variant": variant,
        "price": _price_band(base_price)[work],
    }
    return Catalogue(
        spec=spec,
        works=works,
        brands=brands,
        facets=facets,
        work=work,
        variant=variant,
        leaf=leaf,
        price_minor=(steps * spec.price_step_minor - spec.price_less_minor).astype(np.int64),
        vectors=blend_facets(
            facets=facets, rows=rows, noise=rng.normal(0, ITEM_NOISE, (items, LATENT_DIMENSIONS))
        ),
        popularity=np.exp(rng.normal(0.0, 1.0, len(works)))[work]
        * np.exp(rng.normal(0.0, 0.4, items))
        * demand[variant],
        launch_period=launch_period,
        gone_period=gone_period,
        is_recommendable=rng.random(items) >= WITHHELD_SHARE,
        ends_at=ends_at,
    )


def section_of_leaf(spec: StoreSpec) -> Ints:
    """Return the row of each leaf's section."""
    sections = list(dict.fromkeys(leaf.section for leaf in spec.leaves))
    return np.array([sections.index(leaf.section) for leaf in spec.leaves])


def blend_facets(
    *, facets: Mapping[str, Floats], rows: Mapping[str, Ints], noise: Floats
) -> Floats:
    """Add up the weighted facet vectors of each row and scale the sums to length one."""
    total = noise / np.sqrt(LATENT_DIMENSIONS)
    for facet, weight in FACET_WEIGHTS.items():
        total = total + weight * facets[facet][rows[facet]]
    return np.asarray(total / np.linalg.norm(total, axis=1, keepdims=True))


def _draw_facets(*, spec: StoreSpec, brands: Brands, rng: np.random.Generator) -> dict[str, Floats]:
    """Draw a random direction for each value of each facet; prices lie along one line."""
    counts = {
        "section": int(section_of_leaf(spec).max()) + 1,
        "leaf": len(spec.leaves),
        "style": len(spec.styles),
        "brand": len(brands.names),
        "department": len(spec.departments),
        # One more for goods without variants, which row -1 finds.
        "variant": len(spec.variants) + 1,
        "price": 1,
    }
    facets = {}
    for facet, count in counts.items():
        directions = rng.normal(size=(count, LATENT_DIMENSIONS))
        facets[facet] = directions / np.linalg.norm(directions, axis=1, keepdims=True)
    if len(spec.departments) == 1:
        # What all goods share tells no shopper from another.
        facets["department"] = np.zeros_like(facets["department"])
    facets["price"] = np.linspace(-1, 1, PRICE_BANDS)[:, None] * facets["price"]
    return facets


def _split_into_variants(
    *, spec: StoreSpec, works: Sequence[Work], items: int, rng: np.random.Generator
) -> tuple[Ints, Ints]:
    """Give each title one to three of the variants, accessories none."""
    has_variants = np.array([not spec.leaves[entry.leaf].is_accessory for entry in works])
    counts = np.where(has_variants, rng.integers(1, 4, len(works)), 1)
    # The most wanted variants come first in most titles.
    demand = np.log([choice.demand for choice in spec.variants])
    ranked = np.argsort(-(2 * demand + rng.gumbel(size=(len(works), len(demand)))), axis=1)
    work = np.repeat(np.arange(len(works)), counts)
    position = np.arange(len(work)) - np.repeat(np.cumsum(counts) - counts, counts)
    variant = np.where(has_variants[work], ranked[work, position], -1)
    return work[:items], variant[:items]


def _draw_life(*, works: int, work: Ints, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Draw when each title is launched (its variants together) and when items sell out."""
    dice = rng.random(works)
    launch = np.zeros(works, dtype=np.int64)
    within = dice < LAUNCHED_WITHIN
    launch[within] = rng.integers(1, PERIODS - 2, int(within.sum()))
    launch[(dice >= LAUNCHED_WITHIN) & (dice < LAUNCHED_WITHIN + LAUNCHED_LAST)] = PERIODS - 1
    launch[dice >= 1 - NOT_LAUNCHED] = PERIODS
    launch_period = launch[work]
    gone = rng.random(len(work)) < GONE_SHARE
    gone_period = np.where(gone, PERIODS - rng.integers(0, 4, len(work)), PERIODS + 1)
    return launch_period, np.maximum(gone_period, launch_period)


def _price_band(price: Floats) -> Ints:
    ranks = np.argsort(np.argsort(price))
    return np.asarray(ranks * PRICE_BANDS // len(price))
