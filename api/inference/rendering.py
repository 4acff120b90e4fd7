"""Puts an outcome into the contract's words: ids, reasons a shopper can read, and products.

The items are most of an answer, so they are put together from JSON that the catalogue keeps, not
encoded; `answers.AnswerItem` and `answers.PublicItem` say what they look like.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from api.inference.answers import AnswerItem, ModelName, Shown, decode_items, shown_id
from api.inference.model_store import Model
from api.inference.selection import Picked
from api.inference.shelf import NO_ROW, Shelf
from engine.core.scored import Reason

# By code: the sentence, with a place for the title of the item that spoke for the choice.
_TEXTS: dict[str, bytes] = {
    "because_you_interacted": b"Because you were interested in %b",
    "shares_features": b"Much like %b",
    "taste_match": b"Matches your taste for items like %b",
    "similar_item": b"Similar to %b",
    "bought_together": b"Often bought with %b",
    "trending": b"More asked for than before",
    "chosen_before": b"You were interested in this before",
    "popular_now": b"Popular now",
    "popular_in_category": b"Popular among items like %b",
    "new_arrival": b"New in the store",
    "new_for_you": b"New, and perhaps for you",
    "recently_viewed": b"You looked at this",
}
_TEXT_WITHOUT_TITLE = b"Chosen for you"
_ITEM = b'{"id":%b%b,"rank":%d,"score":%.6f,"source":"%b","reason":%b%b}'
_PAGE_ITEM = b'{"id":%b,"rank":%d,"reason":{"code":"%b"}%b}'
_PRODUCT = b',"product":%b'
_REASON = b'{"code":"%b","text":"%b","item_id":%b}'
_REASON_OF_NO_ITEM = b'{"code":"%b","text":"%b"}'


def rendered_items(picked: Sequence[Picked], shelf: Shelf, *, has_product: bool) -> bytes:
    """Return the JSON of an answer's items, best first."""
    # Many items of a list have one reason.
    reasons: dict[Reason, bytes] = {}
    items = []
    catalogue = shelf.catalogue.shown
    for rank, (row, catalogue_row, score, source, reason) in enumerate(picked, start=1):
        is_known = catalogue_row != NO_ROW
        shown = catalogue[catalogue_row] if is_known else shown_of(row, catalogue_row, shelf)
        item_id, group, _, product = shown
        text = reasons.get(reason)
        if text is None:
            text = reasons[reason] = _rendered_reason(reason, shelf)
        product = _PRODUCT % product if has_product and product else b""
        items.append(_ITEM % (item_id, group, rank, score, source.encode(), text, product))
    return b"[%b]" % b",".join(items)


def rendered_page_items(picked: Sequence[Picked], shelf: Shelf) -> bytes:
    """Return the JSON of what a publishable key may see of an answer's items."""
    return b"[%b]" % b",".join(_page_items(picked, shelf))


def item_ids(picked: Sequence[Picked], shelf: Shelf) -> list[str]:
    """Return the ids of an answer's items, best first."""
    return [item_id_of(row, catalogue_row, shelf) for row, catalogue_row, *_ in picked]


def answer_items(picked: Sequence[Picked], shelf: Shelf) -> list[AnswerItem]:
    """Return an answer's items as they are answered, without products."""
    return decode_items(rendered_items(picked, shelf, has_product=False))


def model_name(model: Model | None) -> ModelName | None:
    """Return which model answered."""
    if model is None:
        return None
    return ModelName(version=model.version, trained_at=model.artifact.trained_at)


def shown_of(row: int, catalogue_row: int, shelf: Shelf) -> Shown:
    """Return what answers show of an item of the catalogue or, where it lacks it, of the model."""
    if catalogue_row != NO_ROW:
        return shelf.catalogue.shown[catalogue_row]
    return shown_id(item_id_of(row, catalogue_row, shelf))


def item_id_of(row: int, catalogue_row: int, shelf: Shelf) -> str:
    """Return the id of an item of the catalogue or, where it lacks it, of the model."""
    if catalogue_row != NO_ROW:
        return shelf.catalogue.item_ids[catalogue_row]
    if shelf.model is None:
        raise ValueError("An item that neither the catalogue nor a model has was picked.")
    return shelf.model.artifact.item_id(row)


def _page_items(picked: Sequence[Picked], shelf: Shelf) -> Iterator[bytes]:
    for rank, (row, catalogue_row, _, _, reason) in enumerate(picked, start=1):
        item_id, _, _, product = shown_of(row, catalogue_row, shelf)
        product = _PRODUCT % product if product else b""
        yield _PAGE_ITEM % (item_id, rank, reason.code.encode(), product)


def _rendered_reason(reason: Reason, shelf: Shelf) -> bytes:
    code, text = reason.code.encode(), _TEXTS[reason.code]
    if reason.seed_row is None:
        return _REASON_OF_NO_ITEM % (code, _TEXT_WITHOUT_TITLE if b"%b" in text else text)
    seed = shown_of(reason.seed_row, int(shelf.catalogue_rows[reason.seed_row]), shelf)
    return _REASON % (code, text % (seed.title or seed.item_id[1:-1]), seed.item_id)
