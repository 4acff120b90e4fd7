"""Puts an outcome into the contract's words: ids, reasons a shopper can read, and products."""

from __future__ import annotations

from typing import cast

from msgspec import UNSET, Raw, UnsetType

from api.inference.answers import AnswerItem, ModelName, Product, Reason, ReasonCode, Source
from api.inference.model_store import Model
from api.inference.recommend import Outcome
from api.inference.selection import Picked
from api.inference.shelf import NO_ROW, Shelf
from engine.core import ranking

_TEXTS: dict[str, str] = {
    "because_you_interacted": "Because you were interested in {title}",
    "shares_features": "Much like {title}",
    "taste_match": "Matches your taste for items like {title}",
    "similar_item": "Similar to {title}",
    "bought_together": "Often bought with {title}",
    "trending": "More asked for than before",
    "chosen_before": "You were interested in this before",
    "popular_now": "Popular now",
    "popular_in_category": "Popular among items like {title}",
    "new_arrival": "New in the store",
    "recently_viewed": "You looked at this",
}
_TEXT_WITHOUT_TITLE = "Chosen for you"
_SCORE_DIGITS = 6


def answer_items(outcome: Outcome, *, shelf: Shelf, has_product: bool) -> list[AnswerItem]:
    """Return the answer's items, best first."""
    # Many items of a list have one reason.
    reasons = {
        reason: _reason(reason, shelf) for reason in {picked.reason for picked in outcome.picked}
    }
    return [
        _item(picked, rank, reasons[picked.reason], shelf, has_product=has_product)
        for rank, picked in enumerate(outcome.picked, start=1)
    ]


def model_name(model: Model | None) -> ModelName | None:
    """Return which model answered."""
    if model is None:
        return None
    return ModelName(version=model.version, trained_at=model.artifact.trained_at)


def _item(
    picked: Picked, rank: int, reason: Reason, shelf: Shelf, *, has_product: bool
) -> AnswerItem:
    row = picked.catalogue_row
    group_id: str | UnsetType = UNSET
    product: Raw | UnsetType = UNSET
    if row != NO_ROW:
        group_id = shelf.catalogue.group_ids[row] or UNSET
        if has_product:
            product = shelf.catalogue.products[row]
    return AnswerItem(
        id=item_id_of(picked.row, row, shelf),
        group_id=group_id,
        rank=rank,
        score=round(picked.score, _SCORE_DIGITS),
        source=cast(Source, picked.source),
        reason=reason,
        # The product's JSON is made once for each change; the encoder copies it.
        product=cast(Product, product),
    )


def _reason(reason: ranking.Reason, shelf: Shelf) -> Reason:
    code = cast(ReasonCode, reason.code)
    seed_row = reason.seed_row
    if seed_row is None:
        text = _TEXTS[code]
        return Reason(code=code, text=_TEXT_WITHOUT_TITLE if "{title}" in text else text)
    catalogue_row = int(shelf.catalogue_rows[seed_row])
    item_id = item_id_of(seed_row, catalogue_row, shelf)
    title = title_of(catalogue_row, shelf) or item_id
    return Reason(code=code, text=_TEXTS[code].replace("{title}", title), item_id=item_id)


def title_of(catalogue_row: int, shelf: Shelf) -> str | None:
    """Return an item's title, None where the catalogue lacks the item."""
    return None if catalogue_row == NO_ROW else shelf.catalogue.titles[catalogue_row]


def item_id_of(row: int, catalogue_row: int, shelf: Shelf) -> str:
    """Return the id of an item of the catalogue or, where it lacks it, of the model."""
    if catalogue_row != NO_ROW:
        return shelf.catalogue.item_ids[catalogue_row]
    if shelf.model is None:
        raise ValueError("An item that neither the catalogue nor a model has was picked.")
    return shelf.model.artifact.item_id(row)
