"""Names the goods of a demo store: titles, brands, descriptions and prices, from word lists."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from saas.lifecycle.sample.spec import Leaf, StoreSpec

# The share of titles that stand in accessory leaves: enough for baskets, few on the shelves.
ACCESSORY_SHARE = 0.1
# How often a title follows the style its brand is known for.
BRAND_STYLE_SHARE = 0.7


@dataclass(frozen=True)
class Work:
    """A book or a shoe model, before it is split into formats or colours."""

    title: str
    description: str
    leaf: int
    style: int
    brand: int
    department: int
    price: float
    details: dict[str, object]


@dataclass(frozen=True)
class Brands:
    """Brands as parallel arrays; the last ones, `accessory_from` on, make accessories only."""

    names: tuple[str, ...]
    sections: tuple[frozenset[str], ...]
    style: npt.NDArray[np.int64]
    price_factor: npt.NDArray[np.float64]
    accessory_from: int


def make_brands(*, spec: StoreSpec, works: int, rng: np.random.Generator) -> Brands:
    """Give each brand its sections, its style and its price level."""
    sections = list(dict.fromkeys(leaf.section for leaf in spec.leaves if not leaf.is_accessory))
    count = min(len(spec.brands), max(2 * len(sections), works // 3))
    homes = [
        frozenset(
            sections[(brand + step * (1 + brand // len(sections))) % len(sections)]
            for step in range(spec.sections_per_brand)
        )
        for brand in range(count)
    ]
    names = (*spec.brands[:count], *spec.accessory_brands)
    return Brands(
        names=names,
        sections=tuple(homes + [frozenset()] * len(spec.accessory_brands)),
        style=rng.integers(0, len(spec.styles), len(names)),
        price_factor=np.exp(rng.normal(0.0, 0.25, len(names))),
        accessory_from=count,
    )


def make_works(
    *, spec: StoreSpec, brands: Brands, works: int, rng: np.random.Generator
) -> list[Work]:
    """Fill every leaf with titles, none of which repeats."""
    makers = _makers_by_leaf(spec=spec, brands=brands)
    taken: set[str] = set()
    return [
        _make_work(spec=spec, brands=brands, leaf=leaf, makers=makers[leaf], taken=taken, rng=rng)
        for leaf in _leaves_to_fill(spec=spec, works=works, rng=rng)
    ]


def _leaves_to_fill(*, spec: StoreSpec, works: int, rng: np.random.Generator) -> list[int]:
    """Every leaf once, then by demand; a crowded leaf is a few times a sparse one."""
    is_accessory = np.array([leaf.is_accessory for leaf in spec.leaves])
    demand = np.exp(rng.normal(0.0, 0.5, len(spec.leaves)))
    for side, share in ((is_accessory, ACCESSORY_SHARE), (~is_accessory, 1 - ACCESSORY_SHARE)):
        demand[side] *= share / demand[side].sum()
    once = rng.permutation(len(spec.leaves))[:works]
    rest = rng.choice(len(spec.leaves), max(0, works - len(once)), p=demand)
    return [int(leaf) for leaf in np.concatenate([once, rest])]


def _makers_by_leaf(*, spec: StoreSpec, brands: Brands) -> list[list[int]]:
    return [
        list(range(brands.accessory_from, len(brands.names)))
        if leaf.is_accessory
        else [row for row, homes in enumerate(brands.sections) if leaf.section in homes]
        for leaf in spec.leaves
    ]


def _make_work(
    *,
    spec: StoreSpec,
    brands: Brands,
    leaf: int,
    makers: list[int],
    taken: set[str],
    rng: np.random.Generator,
) -> Work:
    shelf = spec.leaves[leaf]
    # A square of a uniform draw: the first brands of a section make most of its goods.
    brand = makers[int(rng.random() ** 2 * len(makers))]
    follows_brand = rng.random() < BRAND_STYLE_SHARE
    style = int(brands.style[brand]) if follows_brand else int(rng.integers(len(spec.styles)))
    title, noun = _new_title(spec=spec, shelf=shelf, style=style, taken=taken, rng=rng)
    texts = spec.accessory_descriptions if shelf.is_accessory else spec.descriptions
    description = texts[int(rng.integers(len(texts)))].format(
        brand=brands.names[brand],
        leaf=shelf.name,
        noun=noun,
        style=list(spec.styles)[style],
    )
    department = len(spec.departments) - 1
    if not shelf.is_accessory:
        department = int(rng.random() ** 1.4 * len(spec.departments))
    return Work(
        title=title,
        description=_with_articles(description),
        leaf=leaf,
        style=style,
        brand=brand,
        department=department,
        price=shelf.typical_price
        * float(brands.price_factor[brand])
        * float(np.exp(rng.normal(0.0, 0.15))),
        details=spec.details(rng, shelf.register),
    )


def _new_title(
    *, spec: StoreSpec, shelf: Leaf, style: int, taken: set[str], rng: np.random.Generator
) -> tuple[str, str]:
    style_words = list(spec.styles.values())[style][shelf.register]
    while True:
        dice = rng.random(5)
        noun, other = (int(die * len(shelf.nouns)) for die in dice[:2])
        words = {
            "noun": shelf.nouns[noun],
            "other": shelf.nouns[other if other != noun else noun - 1],
            "style": style_words[int(dice[2] * len(style_words))],
            "name": spec.proper_names[int(dice[3] * len(spec.proper_names))],
        }
        template = shelf.title_templates[int(dice[4] * len(shelf.title_templates))]
        title = _with_articles(template.format(**words))
        if title not in taken:
            taken.add(title)
            return title, words["noun"]


def _with_articles(text: str) -> str:
    """Write "An Old House" where a template made "A Old House"."""
    return re.sub(r"\b([Aa]) (?=[AEIOUaeiou])", r"\1n ", text)
