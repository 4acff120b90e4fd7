"""The words a demo store is made of, which `book_store` and `shoe_store` fill in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Leaf:
    """A category of the store and how its goods are named and priced."""

    path: str
    nouns: tuple[str, ...]
    title_templates: tuple[str, ...]
    typical_price: float
    register: str
    # Day of the year on which its season peaks; None sells all year round.
    peak_day: int | None = None
    # Sections whose goods it is bought with; only accessories have any.
    goes_with: tuple[str, ...] = ()
    is_consumable: bool = False

    @property
    def section(self) -> str:
        """The path without its last step, which brands and shelves share."""
        return self.path.rsplit(" > ", 1)[0]

    @property
    def name(self) -> str:
        """The last step of the path."""
        return self.path.rsplit(" > ", 1)[1]

    @property
    def is_accessory(self) -> bool:
        """Whether it is bought along with other goods."""
        return bool(self.goes_with)


@dataclass(frozen=True)
class Variant:
    """One way a title is sold: a format of a book, a colour of a shoe."""

    name: str
    price_factor: float
    demand: float


@dataclass(frozen=True)
class StoreSpec:
    """Everything that makes one demo store read differently from the other."""

    name: str
    slug: str
    id_prefix: str
    currency: str
    # Prices are multiples of the step less a little: 12.90, 89.95.
    price_step_minor: int
    price_less_minor: int
    leaves: tuple[Leaf, ...]
    # style → register → the words by which a title shows that style
    styles: Mapping[str, Mapping[str, tuple[str, ...]]]
    style_attribute: str
    variants: tuple[Variant, ...]
    variant_attribute: str
    variant_title: str
    departments: tuple[str, ...]
    brands: tuple[str, ...]
    # An author keeps to one section, a shoe brand to two.
    sections_per_brand: int
    accessory_brands: tuple[str, ...]
    proper_names: tuple[str, ...]
    descriptions: tuple[str, ...]
    accessory_descriptions: tuple[str, ...]
    # Attributes a title has whatever its variant: pages, material, sizes.
    details: Callable[[np.random.Generator, str], dict[str, object]]


def words(text: str) -> tuple[str, ...]:
    """Split a comma-separated word list."""
    return tuple(phrase.strip() for phrase in text.split(","))
