"""Puts an outcome into the contract's words: ids, reasons a shopper can read, and products."""

from __future__ import annotations

from typing import cast

from msgspec import UNSET, Raw, UnsetType

from api.inference.answers import AnswerItem, ModelName, Product, Reason, ReasonCode, Source
from api.inference.model_store import Model
from api.inference.recommend import Outcome
from api.inference.selection import Picked
from api.inference.shelf import NO_ROW, Shelf

_TEXTS: dict[str, str] = {
    "because_you_interacted": "Because you were interested in {title}",
    "shares_features": "Much like {title}",
    "taste_match": "Matches your taste for items like {title}",
    "similar_item": "Similar to {title}",
    "popular_now": "Popular now",
    "new_arrival": "New in the store",
    "recently_viewed": "You looked at this",
}
_TEXT_WITHOUT_TITLE = "Chosen for you"
_SCORE_DIGITS = 6


def answer_items(outcome: Outcome, *, shelf: Shelf, has_product: bool) -> list[AnswerItem]:
    """Return the answer's items, best first."""
    items = [
        _picked_item(picked, rank, shelf, has_product=has_product)
        for rank, picked in enumerate(outcome.picked, start=1)
    ]
    items += [
        _item(
            shelf,
            catalogue_row=row,
            item_id=shelf.catalogue.item_ids[row],
            rank=rank,
            score=0.0,
            source="newest",
            reason=Reason(code="new_arrival", text=_TEXTS["new_arrival"]),
            has_product=has_product,
        )
        for rank, row in enumerate(outcome.newest, start=1)
    ]
    return items


def model_name(model: Model | None) -> ModelName | None:
    """Return which model answered."""
    if model is None:
        return None
    return ModelName(version=model.version, trained_at=model.artifact.trained_at)


def _picked_item(picked: Picked, rank: int, shelf: Shelf, *, has_product: bool) -> AnswerItem:
    if shelf.model is None:
        raise ValueError("Rows of a model were picked without a model.")
    catalogue_row = int(shelf.catalogue_rows[picked.row])
    return _item(
        shelf,
        catalogue_row=catalogue_row,
        item_id=_item_id(picked.row, catalogue_row, shelf, shelf.model),
        rank=rank,
        score=round(picked.score, _SCORE_DIGITS),
        source=cast(Source, picked.source),
        reason=_reason(picked, shelf, shelf.model),
        has_product=has_product,
    )


def _item(
    shelf: Shelf,
    *,
    catalogue_row: int,
    item_id: str,
    rank: int,
    score: float,
    source: Source,
    reason: Reason,
    has_product: bool,
) -> AnswerItem:
    group_id: str | UnsetType = UNSET
    product: Raw | UnsetType = UNSET
    if catalogue_row != NO_ROW:
        group_id = shelf.catalogue.group_ids[catalogue_row] or UNSET
        if has_product:
            product = shelf.catalogue.products[catalogue_row]
    return AnswerItem(
        id=item_id,
        group_id=group_id,
        rank=rank,
        score=score,
        source=source,
        reason=reason,
        # The product's JSON is made once for each change; the encoder copies it.
        product=cast(Product, product),
    )


def _reason(picked: Picked, shelf: Shelf, model: Model) -> Reason:
    code = cast(ReasonCode, picked.reason.code)
    seed_row = picked.reason.seed_row
    if seed_row is None:
        text = _TEXTS[code]
        return Reason(code=code, text=_TEXT_WITHOUT_TITLE if "{title}" in text else text)
    catalogue_row = int(shelf.catalogue_rows[seed_row])
    item_id = _item_id(seed_row, catalogue_row, shelf, model)
    title = shelf.catalogue.titles[catalogue_row] if catalogue_row != NO_ROW else item_id
    return Reason(code=code, text=_TEXTS[code].replace("{title}", title), item_id=item_id)


def _item_id(row: int, catalogue_row: int, shelf: Shelf, model: Model) -> str:
    if catalogue_row != NO_ROW:
        return shelf.catalogue.item_ids[catalogue_row]
    return model.artifact.item_id(row)
