"""Items as sparse feature rows: categories, brand, price band, title words, attributes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from engine.core.dataset import CatalogueItem

# A feature of a single item says nothing its identity doesn't; one of most items says nothing.
_LEAST_ITEMS = 2
_MOST_SHARE = 0.5
# The commonest this many: LightFM's time grows with features per item.
_MOST_FEATURES = 5_000
_PRICE_BANDS = 10
# Free text in an attribute would make a feature of its own for each item.
_LONGEST_VALUE = 64
_WORD = re.compile(r"[^\W\d_]{2,}")


@dataclass(frozen=True)
class FeatureSpace:
    """The vocabulary learnt from a training part; describes items it has never seen alike.

    Attributes
    ----------
    vocabulary : mapping of feature name to column
        Names such as ``brand:Acme`` or ``category:Home > Kitchen``.
    idf : float32[n_features]
        ``log(1 + items / items with the feature)``.
    price_edges : float64[≤ 9]
        Inner edges of the price bands, in the catalogue's currency.
    """

    vocabulary: Mapping[str, int]
    idf: NDArray[np.float32]
    price_edges: NDArray[np.float64]

    def transform(self, items: Sequence[CatalogueItem]) -> sp.csr_array:
        """Return float32[len(items), n_features]: tf-idf rows of unit l2 norm, or empty rows."""
        columns: list[int] = []
        indptr = [0]
        for item in items:
            names = set(_feature_names(item, self.price_edges))
            columns.extend(sorted(self.vocabulary[n] for n in names if n in self.vocabulary))
            indptr.append(len(columns))
        indices = np.array(columns, dtype=np.int32)
        row_of = np.repeat(np.arange(len(items)), np.diff(indptr))
        squares = np.bincount(row_of, self.idf[indices] ** 2, minlength=len(items))
        values = (self.idf[indices] / np.sqrt(squares[row_of])).astype(np.float32)
        return sp.csr_array((values, indices, indptr), shape=(len(items), len(self.idf)))


@dataclass(frozen=True)
class FeatureTable:
    """A feature space and the catalogue's rows in it: CSR float32[n_items, n_features]."""

    space: FeatureSpace
    matrix: sp.csr_array


def item_features(items: Sequence[CatalogueItem], *, is_active: NDArray[np.bool_]) -> FeatureTable:
    """Learn a feature space from the active items and describe the whole catalogue in it.

    Parameters
    ----------
    items : sequence of CatalogueItem, length n_items
    is_active : bool[n_items]
        Items with training events; only they shape vocabulary, idf and price bands, so that
        nothing of the test window leaks into them.
    """
    active = [items[row] for row in np.flatnonzero(is_active).tolist()]
    price_edges = _price_edges(active)
    counts: Counter[str] = Counter()
    for item in active:
        counts.update(set(_feature_names(item, price_edges)))
    most_items = max(_LEAST_ITEMS, _MOST_SHARE * len(active))
    kept = [name for name, count in counts.items() if _LEAST_ITEMS <= count <= most_items]
    kept = sorted(kept, key=lambda name: (-counts[name], name))[:_MOST_FEATURES]
    space = FeatureSpace(
        vocabulary={name: column for column, name in enumerate(kept)},
        idf=np.log1p([len(active) / counts[name] for name in kept]).astype(np.float32),
        price_edges=price_edges,
    )
    return FeatureTable(space=space, matrix=space.transform(items))


def _price_edges(items: Sequence[CatalogueItem]) -> NDArray[np.float64]:
    prices = [item.price for item in items if item.price is not None]
    if not prices:
        return np.zeros(0)
    edges = np.quantile(prices, np.arange(1, _PRICE_BANDS) / _PRICE_BANDS)
    return np.unique(edges)


def _feature_names(item: CatalogueItem, price_edges: NDArray[np.float64]) -> Iterator[str]:
    for path in item.categories:
        steps = [step.strip() for step in path.split(">")]
        for depth in range(1, len(steps) + 1):
            yield "category:" + " > ".join(steps[:depth])
    if item.brand:
        yield f"brand:{item.brand}"
    if item.price is not None and len(price_edges):
        yield f"price:{np.searchsorted(price_edges, item.price, side='right')}"
    for word in _WORD.findall(item.title.casefold()):
        yield f"word:{word}"
    for name, value in item.attributes.items():
        for each in value.split("|"):
            if 0 < len(each) <= _LONGEST_VALUE:
                yield f"attribute:{name}={each}"
