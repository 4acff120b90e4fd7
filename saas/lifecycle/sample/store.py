"""A believable store out of a seed: items and events as the API takes them, for demo and sign-up.

Its shoppers have tastes (a category, a style, a brand, a price level) that titles, brands and
attributes show, so a model can learn them; popularity alone cannot.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from saas.lifecycle.sample.baskets import EVENT_TYPES, PURCHASE, Behaviour, make_behaviour
from saas.lifecycle.sample.catalogue import PERIODS, Catalogue, make_catalogue
from saas.lifecycle.sample.shoppers import Shoppers, make_shoppers
from saas.lifecycle.sample.spec import StoreSpec
from saas.lifecycle.sample.visits import make_views, make_visits, ordinal_within


@dataclass(frozen=True)
class SampleSize:
    """How much a sample store holds."""

    items: int
    shoppers: int
    visits: int


# The demo's two stores: about 70,000 events each.
FULL = SampleSize(items=1_200, shoppers=3_000, visits=14_500)
# What fills a test environment at sign-up: about 2,000 events.
SMALL = SampleSize(items=120, shoppers=120, visits=430)


@dataclass(frozen=True)
class SampleStore:
    """A store made by `make_sample_store`; items and events come out as often as asked."""

    catalogue: Catalogue
    shoppers: Shoppers
    behaviour: Behaviour

    @property
    def item_count(self) -> int:
        """How many items `items` yields."""
        return len(self.catalogue)

    @property
    def event_count(self) -> int:
        """How many events `events` yields."""
        return len(self.behaviour.kind)

    def items(self) -> Iterator[dict[str, Any]]:
        """Yield the catalogue in the shape of `POST /v1/items:batch`."""
        catalogue = self.catalogue
        group_sizes = np.bincount(catalogue.work)
        first_rows = np.searchsorted(catalogue.work, np.arange(len(group_sizes)))
        for row in range(len(catalogue)):
            work = int(catalogue.work[row])
            is_single = group_sizes[work] == 1
            yield _item(
                catalogue=catalogue,
                row=row,
                position=None if is_single else row - int(first_rows[work]) + 1,
            )

    def events(self) -> Iterator[dict[str, Any]]:
        """Yield what shoppers did, oldest first, in the shape of `POST /v1/events`."""
        behaviour, spec = self.behaviour, self.catalogue.spec
        ids = [item["id"] for item in self.items()]
        prices = [_decimal(price) for price in self.catalogue.price_minor.tolist()]
        lines = [
            {"id": ids[item], "quantity": quantity, "price": prices[item]}
            for item, quantity in zip(
                behaviour.line_item.tolist(), behaviour.line_quantity.tolist(), strict=True
            )
        ]
        stamps = np.datetime_as_string(behaviour.seconds.astype("datetime64[s]"), timezone="UTC")
        columns = zip(
            behaviour.kind.tolist(),
            behaviour.visit.tolist(),
            behaviour.item.tolist(),
            behaviour.line_start.tolist(),
            behaviour.line_end.tolist(),
            stamps.tolist(),
            self._identities(),
            strict=True,
        )
        for number, (kind, visit, item, start, end, stamp, who) in enumerate(columns, start=1):
            event = {
                "event_id": f"{spec.slug}-{number:06d}",
                "type": EVENT_TYPES[kind],
                **who,
                "session_id": f"visit-{visit:06d}",
                "ts": stamp,
            }
            if kind == PURCHASE:
                event["order_id"] = f"{spec.id_prefix}-order-{visit:06d}"
                event["currency"] = spec.currency
                event["items"] = lines[start:end]
            else:
                event["item_id"] = ids[item]
            yield event

    def _identities(self) -> Iterator[Mapping[str, str]]:
        """Yield the ids each event carries: both from the moment a visitor logs in."""
        behaviour, login_visit = self.behaviour, self.shoppers.login_visit
        visit_shopper = behaviour.visit_shopper
        shopper = visit_shopper[behaviour.visit]
        is_login_visit = (login_visit > 0)[visit_shopper] & (
            ordinal_within(visit_shopper) == login_visit[visit_shopper]
        )
        in_login_visit = is_login_visit[behaviour.visit]
        # The login comes after the first event of its visit, unless there is no other.
        opens_visit = ordinal_within(behaviour.visit) == 0
        is_alone = np.bincount(behaviour.visit)[behaviour.visit] == 1
        logins = np.flatnonzero(in_login_visit & (~opens_visit | is_alone))
        # By event, not by visit: a shopper's visits may overlap.
        login_event = np.where(login_visit == 0, 0, len(shopper))
        np.minimum.at(login_event, shopper[logins], logins)
        is_known = np.arange(len(shopper)) >= login_event[shopper]
        choice = np.where(is_known, np.where(in_login_visit, 2, 1), 0)
        ids: list[tuple[dict[str, str], ...]] = []
        for row in range(len(self.shoppers)):
            anonymous, user = (
                {"anonymous_id": f"browser-{row:05d}"},
                {"user_id": f"customer-{row:05d}"},
            )
            ids.append((anonymous, user, user | anonymous))
        who = zip(shopper.tolist(), choice.tolist(), strict=True)
        return (ids[row][which] for row, which in who)


def make_sample_store(
    *, spec: StoreSpec, size: SampleSize, ends_at: datetime, seed: int
) -> SampleStore:
    """Make the store that `seed` stands for, its last event just before `ends_at`.

    Parameters
    ----------
    spec
        `ACORN_BOOKS` or `BIRCH_SHOES`.
    size
        `FULL` or `SMALL`.
    ends_at
        An aware time; seasons and weekdays follow its calendar, so it is part of the seed.
    """
    rng = np.random.default_rng(seed)
    ends_at = ends_at.astimezone(UTC).replace(microsecond=0)
    catalogue = make_catalogue(spec=spec, items=size.items, ends_at=ends_at, rng=rng)
    shoppers = make_shoppers(catalogue=catalogue, shoppers=size.shoppers, rng=rng)
    visits = make_visits(catalogue=catalogue, shoppers=shoppers, visits=size.visits, rng=rng)
    views = make_views(catalogue=catalogue, shoppers=shoppers, visits=visits, rng=rng)
    behaviour = make_behaviour(
        catalogue=catalogue, shoppers=shoppers, visits=visits, views=views, rng=rng
    )
    return SampleStore(catalogue=catalogue, shoppers=shoppers, behaviour=behaviour)


def _item(*, catalogue: Catalogue, row: int, position: int | None) -> dict[str, Any]:
    spec = catalogue.spec
    number = int(catalogue.work[row])
    work = catalogue.works[number]
    leaf = spec.leaves[work.leaf]
    group = f"{spec.id_prefix}-{number:04d}"
    item_id = group if position is None else f"{group}-{position}"
    title, attributes = work.title, {spec.style_attribute: list(spec.styles)[work.style]}
    if catalogue.variant[row] >= 0:
        variant = spec.variants[catalogue.variant[row]].name
        title = spec.variant_title.format(title=title, variant=variant)
        attributes[spec.variant_attribute] = variant
    department = spec.departments[work.department]
    item: dict[str, Any] = {
        "id": item_id,
        "title": title,
        "description": work.description,
        "categories": [leaf.path, *([department] if department else [])],
        "brand": catalogue.brands.names[work.brand],
        "price": _decimal(int(catalogue.price_minor[row])),
        "currency": spec.currency,
        "in_stock": bool(catalogue.gone_period[row] > PERIODS),
        "recommendable": bool(catalogue.is_recommendable[row]),
        "url": f"https://www.{spec.slug}.example/{_slug(title)}-{item_id.lower()}",
        "attributes": attributes | work.details,
    }
    if position is not None:
        item["group_id"] = group
    launch = _available_from(catalogue=catalogue, row=row)
    if launch is not None:
        item["available_from"] = launch.isoformat().replace("+00:00", "Z")
    return item


def _available_from(*, catalogue: Catalogue, row: int) -> datetime | None:
    """Return when the item came to the store; half of those without events come later."""
    period = int(catalogue.launch_period[row])
    if period == 0:
        return None
    if period == PERIODS:
        days = 14 if catalogue.work[row] % 2 else -1
        return catalogue.ends_at + timedelta(days=days)
    return catalogue.period_start(period)


def _decimal(minor: int) -> str:
    return f"{minor // 100}.{minor % 100:02d}"


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
