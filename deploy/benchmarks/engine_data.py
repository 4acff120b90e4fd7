"""Reads data sets for the benchmark of the engine, whatever their columns are called."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from engine.core.dataset import EVENT_WEIGHTS, CatalogueItem, Dataset, Interactions
from engine.core.split import TEST_SHARE, dated, hold_out

_USER = ("user_id", "user")
_ITEM = ("item_id", "item", "id")
_TYPE = ("event_type", "type")
_TIME = ("timestamp", "ts")
_CATEGORIES = ("categories", "genres")
_KNOWN = {*_ITEM, *_CATEGORIES, "title", "price", "currency", "brand"}
# What is rated lower is not taken for liked.
_LEAST_RATING = 4
_SEED = 42


@dataclass(frozen=True)
class BenchmarkData:
    """A data set's two sides: ``training`` and ``later`` share users and items.

    ``whole`` holds both sides' lines.
    """

    whole: Dataset
    training: Dataset
    later: Interactions


@dataclass
class _Lines:
    users: dict[str, int]
    items: dict[str, int]


def read_data(folder: Path) -> BenchmarkData:
    """Read a data set and cut it as the engine itself would, or as it was published."""
    items = [_item(row) for row in rows_of(folder / "items.csv")]
    lines = _Lines(users={}, items={item.item_id: row for row, item in enumerate(items)})
    if _exists(folder / "train.csv"):
        earlier = _interactions(folder / "train.csv", lines)
        later = _interactions(folder / "test.csv", lines)
    else:
        everything = _interactions(folder / "events.csv", lines)
        lines_dated, arrangement = dated(everything)
        cut = hold_out(lines_dated, arrangement=arrangement, later_share=TEST_SHARE, seed=_SEED)
        earlier, later = cut.earlier, cut.later
        if arrangement == "order":
            # The engine finds the order by itself.
            earlier = replace(earlier, seconds=np.zeros_like(earlier.seconds))
    items += [CatalogueItem(item_id=name, title="") for name in list(lines.items)[len(items) :]]
    training = Dataset(user_keys=list(lines.users), items=items, interactions=earlier)
    whole = replace(training, interactions=_joined(earlier, later))
    return BenchmarkData(whole=whole, training=training, later=later)


def _interactions(path: Path, lines: _Lines) -> Interactions:
    users, items, weights, seconds, purchases = [], [], [], [], []
    for row in rows_of(path):
        if float(row.get("rating") or _LEAST_RATING) < _LEAST_RATING:
            continue
        type_ = _first(row, _TYPE) or "purchase"
        users.append(lines.users.setdefault(f"u:{_first(row, _USER)}", len(lines.users)))
        items.append(lines.items.setdefault(_first(row, _ITEM), len(lines.items)))
        weights.append(EVENT_WEIGHTS.get(type_, 0.0))
        seconds.append(_seconds(_first(row, _TIME)))
        purchases.append(type_ == "purchase")
    return Interactions(
        user_index=np.array(users, dtype=np.int32),
        item_index=np.array(items, dtype=np.int32),
        weight=np.array(weights, dtype=np.float32),
        seconds=np.array(seconds, dtype=np.int64),
        is_purchase=np.array(purchases, dtype=np.bool_),
    )


def _joined(earlier: Interactions, later: Interactions) -> Interactions:
    columns = {
        name: np.concatenate([column, getattr(later, name)])
        for name, column in vars(earlier).items()
    }
    return Interactions(**columns)


def _item(row: dict[str, str]) -> CatalogueItem:
    categories = _first(row, _CATEGORIES).replace(";", "|")
    return CatalogueItem(
        item_id=_first(row, _ITEM),
        title=row.get("title", ""),
        categories=tuple(path for path in categories.split("|") if path),
        brand=row.get("brand") or None,
        price=float(row["price"]) if row.get("price") else None,
        attributes={
            name: text.replace(";", "|")
            for name, text in row.items()
            if text and name not in _KNOWN
        },
    )


def _first(row: dict[str, str], names: tuple[str, ...]) -> str:
    return next((row[name] for name in names if row.get(name)), "")


def _exists(path: Path) -> bool:
    return path.exists() or path.with_suffix(".csv.gz").exists()


def rows_of(path: Path) -> Iterator[dict[str, str]]:
    """Yield the rows of a file, or of the same with .gz behind its name; none where it lacks."""
    if not _exists(path):
        return
    reader = open if path.exists() else gzip.open
    with reader(path if path.exists() else path.with_suffix(".csv.gz"), "rt", newline="") as text:
        yield from csv.DictReader(text)


def _seconds(text: str) -> int:
    if not text or text.isdigit():
        return int(text or 0)
    moment = datetime.fromisoformat(text)
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
