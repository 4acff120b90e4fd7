"""Puts an outcome into the contract's words: ids, reasons a shopper can read, and products.

The items are most of an answer, so they are put together from JSON that the catalogue keeps, not
encoded; `answers.AnswerItem` and `answers.PublicItem` say what they look like.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from api.inference.answers import AnswerItem, ModelName, Shown, decode_items, shown
from api.inference.model_store import Model
from api.inference.selection import Picked
from api.inference.shelf import NO_ROW, Shelf
from engine.core.scored import Reason

# By code: the sentence; one that ends with a blank goes on with the item that spoke most.
_TEXTS: dict[str, bytes] = {
    "because_you_interacted": b"Because you were interested in ",
    "shares_features": b"Much like ",
    "taste_match": b"Matches your taste for items like ",
    "similar_item": b"Similar to ",
    "bought_together": b"Often bought with ",
    "trending": b"More asked for than before",
    "chosen_before": b"You were interested in this before",
    "popular_now": b"Popular now",
    "popular_in_category": b"Popular among items like ",
    "new_arrival": b"New in the store",
    "new_for_you": b"New, and perhaps for you",
    "recently_viewed": b"You looked at this",
}
_TEXT_WITHOUT_TITLE = b"Chosen for you"
_ITEM = b'%b%d,"score":%.6f%b%b}'
_PAGE_ITEM = b'{"id":%b,"rank":%d,"reason":{"code":"%b"}%b}'
_PRODUCT = b',"product":%b'
_WHY = b',"source":"%b","reason":{"code":"%b","text":"%b%b'
_OF_NO_ITEM = b'"}'


def rendered_items(picked: Sequence[Picked], shelf: Shelf, *, has_product: bool) -> bytes:
    """Return the JSON of an answer's items, best first."""
    # Many items of a list have one reason.
    whys: dict[tuple[str, Reason], bytes] = {}
    items = []
    catalogue = shelf.catalogue.shown
    for rank, (row, catalogue_row, score, source, reason) in enumerate(picked, start=1):
        is_known = catalogue_row != NO_ROW
        item = catalogue[catalogue_row] if is_known else shown_of(row, catalogue_row, shelf)
        why = whys.get((source, reason))
        if why is None:
            why = whys[source, reason] = _rendered_why(source, reason, shelf)
        product = _PRODUCT % item.product if has_product and item.product else b""
        items.append(_ITEM % (item.opening, rank, score, why, product))
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
    return shown(item_id_of(row, catalogue_row, shelf))


def item_id_of(row: int, catalogue_row: int, shelf: Shelf) -> str:
    """Return the id of an item of the catalogue or, where it lacks it, of the model."""
    if catalogue_row != NO_ROW:
        return shelf.catalogue.item_ids[catalogue_row]
    if shelf.model is None:
        raise ValueError("An item that neither the catalogue nor a model has was picked.")
    return shelf.model.artifact.item_id(row)


def _page_items(picked: Sequence[Picked], shelf: Shelf) -> Iterator[bytes]:
    for rank, (row, catalogue_row, _, _, reason) in enumerate(picked, start=1):
        item = shown_of(row, catalogue_row, shelf)
        product = _PRODUCT % item.product if item.product else b""
        yield _PAGE_ITEM % (item.item_id, rank, reason.code.encode(), product)


def _rendered_why(source: str, reason: Reason, shelf: Shelf) -> bytes:
    text = _TEXTS[reason.code]
    spoken = _OF_NO_ITEM
    if reason.seed_row is not None:
        catalogue_row = int(shelf.catalogue_rows[reason.seed_row])
        spoken = shown_of(reason.seed_row, catalogue_row, shelf).spoken
    elif text.endswith(b" "):
        text = _TEXT_WITHOUT_TITLE
    return _WHY % (source.encode(), reason.code.encode(), text, spoken)
