"""What is bought together more often than chance has it: each product's partners."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from engine.core.baskets import Baskets
from engine.core.dataset import CatalogueItem
from engine.core.parts import HistoryBatch, NeighbourPart
from engine.core.recommenders.sparse_rows import BLOCK_ROWS, neighbour_part, strongest_per_row

NAME = "bought_together"
# Once is chance, however rare the two are.
LEAST_BASKETS = 2
# What a pair is believed to have been bought, and expected, before anything is known of it.
SHRINKAGE = 5
# Filters and stock take some of them away.
MOST_PARTNERS = 100
# A longer one is a wholesaler's list: it says little of pairs and costs the square of its length.
MOST_PRODUCTS = 200


@dataclass(frozen=True)
class CoPurchases:
    """Partners of products; variants of a group are one product. A part that ranking can read.

    Attributes
    ----------
    product_of : int32[n_items]
    indptr : int64[n_products + 1]
    indices : int32[nnz]
        Partners, ascending within a product.
    data : float32[nnz]
        Positive: how much a product speaks for its partner.
    """

    product_of: NDArray[np.int32]
    indptr: NDArray[np.int64]
    indices: NDArray[np.int32]
    data: NDArray[np.float32]

    @property
    def name(self) -> str:
        """The part's name."""
        return NAME

    def z_scores(self, batch: HistoryBatch) -> NDArray[np.float32]:
        """Return float32[b, n_items]: zero for what is no partner; not blended, so as it is."""
        of_products = [self._of_products(*batch.of(user)) for user in range(len(batch))]
        return np.stack(of_products)[:, self.product_of]

    def seed_contributions(
        self, rows: NDArray[np.int32], weights: NDArray[np.float32], item_rows: NDArray[np.int32]
    ) -> NDArray[np.float32]:
        """Return float32[len(rows), k]: what each given item says for k items."""
        products, places = np.unique(self.product_of[item_rows], return_inverse=True)
        of_product = self._partners.seed_contributions(self.product_of[rows], weights, products)
        return np.asarray(of_product[:, places])

    def _of_products(
        self, rows: NDArray[np.int32], weights: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        return self._partners.raw_scores(self.product_of[rows], weights).astype(np.float32)

    @property
    def _partners(self) -> NeighbourPart:
        return NeighbourPart(NAME, indptr=self.indptr, indices=self.indices, data=self.data)


def co_purchases(baskets: Baskets, items: Sequence[CatalogueItem]) -> CoPurchases:
    """Count what comes together in baskets, and weigh it by lift.

    Parameters
    ----------
    baskets : Baskets
    items : sequence of CatalogueItem

    Returns
    -------
    CoPurchases
        For a product a and its partner b, of N baskets of two products or more:
        ``w(a, b) = n_ab / n_a * ln((n_ab + 5) / (n_a n_b / N + 5))``, how often b comes with a
        times how much more often than by chance. Only where the lift is over 1 and at least
        `LEAST_BASKETS` hold both; the best `MOST_PARTNERS`.

    Notes
    -----
    Lift alone is highest for what was seen once. It is shrunk as the gamma-Poisson shrinker does
    (DuMouchel 1999, doi:10.1080/00031305.1999.10474456; observed and expected plus a constant:
    Norén et al. 2013, doi:10.1177/0962280211403604). Several items add up: the logarithms of
    lifts do in a naive Bayes, and ``n_ab / n_a`` keeps what everybody buys from shouting down the
    others. Measured in ADR 19.
    """
    product_of = _products(items)
    n_products = int(product_of.max(initial=-1)) + 1
    together = _baskets_by_products(baskets, product_of, n_products=n_products)
    part = neighbour_part(NAME, _blocks(together))
    return CoPurchases(
        product_of=product_of, indptr=part.indptr, indices=part.indices, data=part.data
    )


def _products(items: Sequence[CatalogueItem]) -> NDArray[np.int32]:
    numbers: dict[Hashable, int] = {}
    of_items = [
        numbers.setdefault(
            ("item", row) if item.group_id is None else ("group", item.group_id), len(numbers)
        )
        for row, item in enumerate(items)
    ]
    return np.array(of_items, dtype=np.int32)


def _baskets_by_products(
    baskets: Baskets, product_of: NDArray[np.int32], *, n_products: int
) -> sp.csr_array:
    """Return CSR float32 of ones: baskets of two products and more, none too long."""
    _, basket = np.unique(baskets.basket, return_inverse=True)
    n_baskets = int(basket.max(initial=-1)) + 1
    lines = np.unique(basket.astype(np.int64) * n_products + product_of[baskets.item_index])
    rows, products = np.divmod(lines, max(1, n_products))
    sizes = np.bincount(rows, minlength=n_baskets)
    is_kept = ((sizes >= 2) & (sizes <= MOST_PRODUCTS))[rows]
    _, rows = np.unique(rows[is_kept], return_inverse=True)
    products = products[is_kept]
    return sp.csr_array(
        (np.ones(len(rows), dtype=np.float32), (rows, products)),
        shape=(int(rows.max(initial=-1)) + 1, n_products),
    )


def _blocks(together: sp.csr_array) -> Iterator[sp.csr_array]:
    n_baskets, n_products = together.shape
    bought = np.asarray(together.sum(axis=0)).astype(np.float64)
    by_product = sp.csr_array(together.T)
    for start in range(0, n_products, BLOCK_ROWS):
        block = sp.csr_array(by_product[start : start + BLOCK_ROWS] @ together)
        own = start + np.repeat(np.arange(block.shape[0]), np.diff(block.indptr))
        count = block.data.astype(np.float64)
        expected = bought[own] * bought[block.indices] / n_baskets
        weight = count / bought[own] * np.log((count + SHRINKAGE) / (expected + SHRINKAGE))
        is_partner = (count >= LEAST_BASKETS) & (weight > 0) & (own != block.indices)
        block.data = np.where(is_partner, weight, 0.0).astype(np.float32)
        block.eliminate_zeros()
        yield strongest_per_row(block, MOST_PARTNERS)
