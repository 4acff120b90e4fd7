"""What shoppers look at: visits over the span and the items viewed in each, by taste and season."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from saas.lifecycle.sample.catalogue import (
    DAYS_PER_PERIOD,
    PERIODS,
    SPAN_DAYS,
    Catalogue,
    Floats,
    Ints,
)
from saas.lifecycle.sample.shoppers import TASTE_SHARES, Shoppers

SECONDS_PER_DAY = 86_400
# Exponent of taste against popularity; at 0 every shopper buys what is popular.
TASTE_STRENGTH = 12.0
# Share of views that follow the crowd, whatever the taste.
CROWD_SHARE = 0.1
# Share of views of another variant of the item before, and of an item seen on an earlier visit.
VARIANT_SHARE, REVISIT_SHARE = 0.12, 0.1
VIEWS_PER_VISIT = 3.6
# The store sells this many times more at the end of the span than at its start.
GROWTH = 2.0
# Monday first: people shop on Sunday evenings.
WEEKDAY_DEMAND = np.array([1.05, 0.95, 0.92, 0.95, 0.9, 1.1, 1.3])
HOUR_DEMAND = np.array(
    [6, 3, 2, 1, 1, 2, 5, 10, 16, 22, 26, 28, 32, 30, 26, 25, 27, 31, 37, 46, 54, 50, 32, 14]
)
SEASON_STRENGTH = 1.3
# Share of items with a short run of fame, its height and its length in periods.
TREND_SHARE, TREND_HEIGHT, TREND_PERIODS = 0.06, 5.0, 1.5
# New titles sell better in their first periods than later.
NOVELTY = 1.6


@dataclass(frozen=True)
class Visits:
    """Visits in order of time (row = visit)."""

    shopper: Ints
    # Epoch seconds.
    start: Ints
    # Row of Shoppers.taste_vectors that the visit is about.
    taste: Ints


@dataclass(frozen=True)
class Views:
    """Views in order of visit and position (row = view)."""

    visit: Ints
    item: Ints


def make_visits(
    *, catalogue: Catalogue, shoppers: Shoppers, visits: int, rng: np.random.Generator
) -> Visits:
    """Spread visits over shoppers, days and hours."""
    everyone = np.arange(len(shoppers))[:visits]
    rest = rng.choice(len(shoppers), visits - len(everyone), p=shoppers.activity)
    shopper = np.concatenate([everyone, rest])
    first_midnight = int(catalogue.period_start(0).timestamp()) // SECONDS_PER_DAY
    days = np.arange(first_midnight, first_midnight + SPAN_DAYS + 1)
    # The epoch was a Thursday.
    demand = WEEKDAY_DEMAND[(days + 3) % 7] * GROWTH ** (np.arange(len(days)) / SPAN_DAYS)
    joins_at = shoppers.joins_at[shopper]
    moment = joins_at + (1 - joins_at) * rng.random(visits)
    day = days[np.searchsorted(np.cumsum(demand) / demand.sum(), moment)]
    hour = rng.choice(24, visits, p=HOUR_DEMAND / HOUR_DEMAND.sum())
    start = day * SECONDS_PER_DAY + hour * 3600 + rng.integers(0, 3600, visits)
    is_inside = (start >= catalogue.period_start(0).timestamp()) & (
        start < catalogue.period_start(PERIODS).timestamp() - 1800
    )
    order = np.argsort(start, kind="stable")
    order = order[is_inside[order]]
    shopper, start = shopper[order], start[order]
    choice = rng.choice(len(TASTE_SHARES), len(order), p=TASTE_SHARES)
    return Visits(
        shopper=shopper,
        start=start,
        taste=shoppers.tastes[shopper, choice],
    )


def make_views(
    *, catalogue: Catalogue, shoppers: Shoppers, visits: Visits, rng: np.random.Generator
) -> Views:
    """Draw the items of each visit: mostly by its taste, some by the crowd, some seen before."""
    counts = np.minimum(rng.geometric(1 / VIEWS_PER_VISIT, len(visits.start)), 15)
    visit = np.repeat(np.arange(len(visits.start)), counts)
    follows_crowd = rng.random(len(visit)) < CROWD_SHARE
    crowd = len(shoppers.taste_vectors)
    taste = np.where(follows_crowd, crowd, visits.taste[visit])
    elapsed = visits.start[visit] - int(catalogue.period_start(0).timestamp())
    period = elapsed // (DAYS_PER_PERIOD * SECONDS_PER_DAY)
    item = _draw_items(
        appeal=_appeal(catalogue=catalogue, shoppers=shoppers),
        demand=_demand_by_period(catalogue=catalogue, rng=rng),
        taste=taste,
        period=period,
        rng=rng,
    )
    for other in (
        _another_variant(catalogue=catalogue, visit=visit, item=item, rng=rng),
        _seen_before(shopper=visits.shopper[visit], item=item, rng=rng),
    ):
        on_sale = (catalogue.launch_period[other] <= period) & (
            catalogue.gone_period[other] > period
        )
        item = np.where(on_sale, other, item)
    return Views(visit=visit, item=item)


def ordinal_within(group: Ints) -> Ints:
    """Return how many earlier rows carry the same value, for each row."""
    order = np.argsort(group, kind="stable")
    sorted_group = group[order]
    first = np.searchsorted(sorted_group, sorted_group)
    ordinal = np.empty(len(group), dtype=np.int64)
    ordinal[order] = np.arange(len(group)) - first
    return ordinal


def _appeal(*, catalogue: Catalogue, shoppers: Shoppers) -> Floats:
    """Return each taste's appetite for each item, the crowd's in the last row."""
    closeness = shoppers.taste_vectors @ catalogue.vectors.T
    tastes = np.exp(TASTE_STRENGTH * closeness) * catalogue.popularity
    return np.vstack([tastes, catalogue.popularity])


def _demand_by_period(*, catalogue: Catalogue, rng: np.random.Generator) -> Floats:
    """Return (periods, items) factors: season, trend, novelty, and 0 before launch or when gone."""
    day_of_year = np.array(
        [catalogue.period_start(period).timetuple().tm_yday for period in range(PERIODS)]
    )
    leaves = catalogue.spec.leaves
    peak = np.array([0 if leaf.peak_day is None else leaf.peak_day for leaf in leaves])
    swing = np.array([0.0 if leaf.peak_day is None else SEASON_STRENGTH for leaf in leaves])
    angle = 2 * np.pi * (day_of_year[:, None] + DAYS_PER_PERIOD / 2 - peak) / 365.25
    season = np.exp(swing * np.cos(angle))[:, catalogue.leaf]

    items = len(catalogue)
    period = np.arange(PERIODS)[:, None]
    height = np.where(rng.random(items) < TREND_SHARE, TREND_HEIGHT, 0.0)
    middle = rng.uniform(0, PERIODS, items)
    trend = 1 + height * np.exp(-(((period - middle) / TREND_PERIODS) ** 2))

    age = period - catalogue.launch_period
    is_new = (catalogue.launch_period > 0) & (age < 3)
    on_sale = (age >= 0) & (period < catalogue.gone_period)
    return np.asarray(season * trend * np.where(is_new, NOVELTY, 1.0) * on_sale)


def _draw_items(
    *, appeal: Floats, demand: Floats, taste: Ints, period: Ints, rng: np.random.Generator
) -> Ints:
    """Draw an item for each view from its taste's appetite times its period's demand."""
    dice = rng.random(len(taste))
    item = np.empty(len(taste), dtype=np.int64)
    items = appeal.shape[1]
    for now in range(PERIODS):
        rows = np.flatnonzero(period == now)
        ladder = np.cumsum(appeal * demand[now], axis=1)
        # One sorted ladder for all tastes: the row's number plus its share, strictly below 1.
        ladder = (ladder / ladder[:, -1:]) * (1 - 1e-9) + np.arange(len(appeal))[:, None]
        place = np.searchsorted(ladder.ravel(), taste[rows] + dice[rows] * (1 - 1e-9), side="right")
        item[rows] = np.minimum(place - taste[rows] * items, items - 1)
    return item


def _another_variant(
    *, catalogue: Catalogue, visit: Ints, item: Ints, rng: np.random.Generator
) -> Ints:
    """Replace some views by a variant of what the same visit showed just before."""
    first = np.searchsorted(catalogue.work, catalogue.work)
    size = np.bincount(catalogue.work)[catalogue.work]
    before = np.roll(item, 1)
    picked = first[before] + (rng.random(len(item)) * size[before]).astype(np.int64)
    same_visit = np.roll(visit, 1) == visit
    return np.where(same_visit & (rng.random(len(item)) < VARIANT_SHARE), picked, item)


def _seen_before(*, shopper: Ints, item: Ints, rng: np.random.Generator) -> Ints:
    """Replace some views by an item the shopper has looked at earlier."""
    order = np.argsort(shopper, kind="stable")
    ordinal = ordinal_within(shopper)[order]
    back = np.ceil(rng.random(len(item)) * ordinal).astype(np.int64)
    earlier = np.empty_like(item)
    earlier[order] = item[order][np.arange(len(item)) - back]
    return np.where(rng.random(len(item)) < REVISIT_SHARE, earlier, item)
