"""What visits lead to: wish lists, carts, orders with what goes together, and later re-orders."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from saas.lifecycle.sample.catalogue import PERIODS, Bools, Catalogue, Ints
from saas.lifecycle.sample.shoppers import Shoppers
from saas.lifecycle.sample.visits import SECONDS_PER_DAY, Views, Visits, ordinal_within

EVENT_TYPES = ("view", "wishlist", "cart", "purchase")
VIEW, WISHLIST, CART, PURCHASE = range(4)

# The chance of a cart rises with how close the item is to the visit's taste.
CART_CHANCE, CART_CHANCE_BY_TASTE = 0.06, 0.3
WISHLIST_CHANCE = 0.035
CHECKOUT_CHANCE = 0.55
# Share of order lines that take along one of the two accessories that suit them.
COMPLEMENT_CHANCE = 0.25
COMPLEMENTS = 2
REORDER_CHANCE, REORDER_DAYS = 0.4, (25, 70)
SEVERAL_CHANCE = 0.08


@dataclass(frozen=True)
class Behaviour:
    """Events in order of time (row = event); a purchase's items are rows of the lines."""

    kind: Ints
    visit: Ints
    seconds: Ints
    # -1 for a purchase.
    item: Ints
    line_start: Ints
    line_end: Ints
    line_item: Ints
    line_quantity: Ints
    # By visit, re-orders among them: in order of time.
    visit_shopper: Ints


@dataclass(frozen=True)
class _Touches:
    """A shopper's touches of items, in no order: the parts that make up the behaviour."""

    kind: Ints
    visit: Ints
    item: Ints
    seconds: Ints


def make_behaviour(
    *,
    catalogue: Catalogue,
    shoppers: Shoppers,
    visits: Visits,
    views: Views,
    rng: np.random.Generator,
) -> Behaviour:
    """Turn views into carts and orders, and everything into one stream of events."""
    looks = _time_views(visits=visits, views=views, rng=rng)
    touches = [
        looks,
        *_touch_further(
            catalogue=catalogue, shoppers=shoppers, visits=visits, looks=looks, rng=rng
        ),
    ]
    start, shopper = visits.start, visits.shopper
    reorder_visits, reorders = _reorder(
        catalogue=catalogue, visits=visits, bought=touches[-1], rng=rng
    )
    start = np.concatenate([start, reorder_visits.start])
    shopper = np.concatenate([shopper, reorder_visits.shopper])
    merged = _join([*touches, *reorders])
    # Visits are renumbered by time, so that session ids tell nothing about how they were made.
    order = np.argsort(start, kind="stable")
    number = np.empty(len(order), dtype=np.int64)
    number[order] = np.arange(len(order))
    return _in_order(
        touches=_Touches(merged.kind, number[merged.visit], merged.item, merged.seconds),
        visit_shopper=shopper[order],
        rng=rng,
    )


def _time_views(*, visits: Visits, views: Views, rng: np.random.Generator) -> _Touches:
    pauses = 8 + rng.exponential(40, len(views.item))
    elapsed = np.cumsum(pauses)
    first = np.searchsorted(views.visit, views.visit)
    seconds = visits.start[views.visit] + (elapsed - elapsed[first]).astype(np.int64)
    return _Touches(np.full(len(views.item), VIEW), views.visit, views.item, seconds)


def _touch_further(
    *,
    catalogue: Catalogue,
    shoppers: Shoppers,
    visits: Visits,
    looks: _Touches,
    rng: np.random.Generator,
) -> list[_Touches]:
    """Return wish lists, carts, carts of accessories, and order lines (the last)."""
    taste = shoppers.taste_vectors[visits.taste[looks.visit]]
    closeness = np.einsum("vd,vd->v", taste, catalogue.vectors[looks.item])
    is_first_look = ordinal_within(looks.visit * len(catalogue) + looks.item) == 0
    dice = rng.random(len(looks.item))
    cart_chance = CART_CHANCE + CART_CHANCE_BY_TASTE * np.maximum(closeness, 0)
    is_cart = is_first_look & (dice < cart_chance)
    is_wish = is_first_look & (dice >= 1 - WISHLIST_CHANCE)
    carts = _after(looks, rows=is_cart, kind=CART, seconds=rng.integers(2, 8, len(dice)))
    wishes = _after(looks, rows=is_wish, kind=WISHLIST, seconds=rng.integers(2, 8, len(dice)))

    last_look = np.zeros(len(visits.start), dtype=np.int64)
    np.maximum.at(last_look, looks.visit, looks.seconds)
    checks_out = (rng.random(len(visits.start)) < CHECKOUT_CHANCE)[carts.visit]
    bought = _after(carts, rows=checks_out, kind=PURCHASE, seconds=np.zeros_like(carts.seconds))
    extras = _complements(catalogue=catalogue, bought=bought, rng=rng)
    extras = _Touches(extras.kind, extras.visit, extras.item, last_look[extras.visit] + 20)
    lines = _join([bought, extras])
    paid_at = last_look + rng.integers(60, 300, len(last_look))
    orders = _Touches(
        np.full(len(lines.item), PURCHASE), lines.visit, lines.item, paid_at[lines.visit]
    )
    return [wishes, carts, extras, orders]


def _complements(*, catalogue: Catalogue, bought: _Touches, rng: np.random.Generator) -> _Touches:
    """Draw the accessories that go along with order lines, each once a visit."""
    leaves = catalogue.spec.leaves
    fits = np.array([[shelf.section in leaf.goes_with for leaf in leaves] for shelf in leaves])
    is_accessory = np.array([leaf.is_accessory for leaf in leaves])[catalogue.leaf]
    is_steady = (catalogue.launch_period == 0) & (catalogue.gone_period > PERIODS)
    choices = is_accessory & is_steady & fits[:, catalogue.leaf]
    weight = np.where(choices, np.log(catalogue.popularity), -np.inf)[catalogue.leaf]
    # Two for each item, always the same two: what is often bought together is a fact of the item.
    suits = np.argsort(-(weight + rng.gumbel(size=weight.shape)), axis=1)[:, :COMPLEMENTS]
    has_one = np.take_along_axis(choices[catalogue.leaf], suits, axis=1)
    pick = rng.integers(0, COMPLEMENTS, len(bought.item))
    takes = has_one[bought.item, pick] & (rng.random(len(pick)) < COMPLEMENT_CHANCE)
    item, visit = suits[bought.item, pick][takes], bought.visit[takes]
    key = np.unique(visit * len(catalogue) + item)
    key = np.setdiff1d(key, bought.visit * len(catalogue) + bought.item)
    visit, item = key // len(catalogue), key % len(catalogue)
    return _Touches(np.full(len(key), CART), visit, item, np.zeros_like(key))


def _reorder(
    *, catalogue: Catalogue, visits: Visits, bought: _Touches, rng: np.random.Generator
) -> tuple[Visits, list[_Touches]]:
    """Send some buyers of things that run out back for the same thing, weeks later."""
    runs_out = np.array([leaf.is_consumable for leaf in catalogue.spec.leaves])[catalogue.leaf]
    again = runs_out[bought.item] & (rng.random(len(bought.item)) < REORDER_CHANCE)
    earliest, latest = (days * SECONDS_PER_DAY for days in REORDER_DAYS)
    start = bought.seconds + rng.integers(earliest, latest, len(again))
    again &= start < catalogue.ends_at.timestamp() - 1800
    again &= catalogue.gone_period[bought.item] > PERIODS
    rows = np.flatnonzero(again)
    visit = len(visits.start) + np.arange(len(rows))
    item, start = bought.item[rows], start[rows]
    touches = [
        _Touches(np.full(len(rows), kind), visit, item, start + delay)
        for kind, delay in ((VIEW, 0), (CART, 12), (PURCHASE, 95))
    ]
    source = bought.visit[rows]
    return Visits(visits.shopper[source], start, visits.taste[source]), touches


def _after(touches: _Touches, *, rows: Bools, kind: int, seconds: Ints) -> _Touches:
    """Return a touch of another kind, some seconds after each of the rows."""
    return _Touches(
        np.full(int(rows.sum()), kind),
        touches.visit[rows],
        touches.item[rows],
        touches.seconds[rows] + seconds[rows],
    )


def _join(parts: list[_Touches]) -> _Touches:
    return _Touches(
        np.concatenate([part.kind for part in parts]),
        np.concatenate([part.visit for part in parts]),
        np.concatenate([part.item for part in parts]),
        np.concatenate([part.seconds for part in parts]),
    )


def _in_order(*, touches: _Touches, visit_shopper: Ints, rng: np.random.Generator) -> Behaviour:
    """Sort touches by time and fold the lines of an order into one event."""
    order = np.lexsort((touches.item, touches.kind, touches.visit, touches.seconds))
    kind, visit = touches.kind[order], touches.visit[order]
    item, seconds = touches.item[order], touches.seconds[order]
    is_line = kind == PURCHASE
    line = np.cumsum(is_line)
    # A visit has one order, its lines stand together: they share visit and second.
    opens = is_line & ~(np.roll(is_line, 1) & (np.roll(visit, 1) == visit))
    is_event = ~is_line | opens
    line_start = np.where(is_line, line - 1, line)[is_event]
    several = rng.random(int(is_line.sum())) < SEVERAL_CHANCE
    return Behaviour(
        kind=kind[is_event],
        visit=visit[is_event],
        seconds=seconds[is_event],
        item=np.where(is_line, -1, item)[is_event],
        line_start=line_start,
        line_end=np.append(line_start[1:], int(is_line.sum())),
        line_item=item[is_line],
        line_quantity=np.where(several, rng.integers(2, 4, len(several)), 1),
        visit_shopper=visit_shopper,
    )
