"""Says which rules keep an item out of an answer, from what the answered call still holds."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import orjson

from api.inference.answers import decode_product
from api.inference.basis import Basis
from api.inference.catalogue import NO_GROUP
from api.inference.explanations import KeptOut, KeptOutCode
from api.inference.filters import read_filter
from api.inference.requests import (
    PopularRequest,
    RecentlyViewedRequest,
    RerankRequest,
    TrendingRequest,
)
from api.inference.rules import Limited
from api.inference.selection import Selection
from api.inference.shelf import NO_ROW, Shelf
from engine.core.string_table import StringTable

_SHOWN_CHARACTERS = 200
_NO_EVIDENCE = "Nothing that shoppers have done lately speaks for it in this call."
_GIVEN = ("given", "given_variant")


class Item(NamedTuple):
    """An item by the model's row and the catalogue's, `NO_ROW` where one lacks it."""

    row: int
    catalogue_row: int


def find_items(shelf: Shelf, reference: str) -> list[Item]:
    """Return the items that an id, an alias or a group id names."""
    catalogue_rows = shelf.catalogue.find(reference)
    if catalogue_rows:
        return [Item(shelf.item_row(each), each) for each in catalogue_rows]
    row = None if shelf.model is None else shelf.model.artifact.item_row(reference)
    return [] if row is None else [Item(row, NO_ROW)]


def kept_out_by(call: Basis, item: Item, *, now: float) -> list[KeptOut]:
    """Return every rule by which the item may not be in the answer at all."""
    rules = [*_withheld(call.shelf, item, now), *_hidden(call, item), *_unwanted(call, item)]
    if isinstance(call.request, RecentlyViewedRequest):
        # What may not be shown does not stand in line, looked at or not.
        if not rules and not _is_in_line(call, item):
            rules.append(KeptOut("not_viewed", "The shopper has not looked at it, or long ago."))
    elif isinstance(call.request, TrendingRequest) and item.row == NO_ROW:
        # What the model lacks rises without it.
        if not rules and not _is_in_line(call, item):
            rules.append(KeptOut("no_evidence", _NO_EVIDENCE))
    elif call.selection is not None:
        is_given = any(rule.code in _GIVEN for rule in rules)
        rules += _unscored(call, call.selection, item, is_given=is_given)
    return rules


def without_room(
    call: Basis, item: Item, *, full: Sequence[Limited], before: Sequence[int]
) -> list[KeptOut]:
    """Return the rules by which others have taken the item's place.

    Parameters
    ----------
    full
        What has no room left for the item, as a picker says.
    before
        The catalogue's rows that were picked before it.
    """
    return [_full(call, item, what, before) for what in full]


def _withheld(shelf: Shelf, item: Item, now: float) -> Iterator[KeptOut]:
    """Yield why the store does not offer the item now."""
    row, catalogue = item.catalogue_row, shelf.catalogue
    if row == NO_ROW:
        if shelf.is_current:
            yield KeptOut("not_in_catalogue", "The catalogue does not have it, or no longer.")
        return
    if catalogue.is_deleted(row):
        yield KeptOut("deleted", "The store has deleted it.")
        return
    if not decode_product(catalogue.shown[row].product).in_stock:
        yield KeptOut("out_of_stock", "It is sold out: its 'in_stock' is false.")
    if not catalogue.recommendable[row]:
        yield KeptOut("not_recommendable", "The store keeps it back: its 'recommendable' is false.")
    opens, closes = catalogue.window(row)
    if now < opens:
        yield KeptOut("not_yet_available", f"It is offered from {_time(opens)} on.")
    if now >= closes:
        yield KeptOut("no_longer_available", f"It was offered until {_time(closes)}.")


def _hidden(call: Basis, item: Item) -> Iterator[KeptOut]:
    """Yield why the call does not want to see the item again."""
    catalogue = call.shelf.catalogue
    ids: StringTable | list[str] = catalogue.item_ids
    hidden, row, groups = call.hidden_in_catalogue, item.catalogue_row, catalogue.groups
    if item.row != NO_ROW and call.shelf.model is not None:
        hidden, row, groups = call.hidden, item.row, call.shelf.groups
        ids = call.shelf.model.artifact.item_ids
    if row in hidden.excluded:
        yield KeptOut("excluded", "The call excludes it.", pointer="/exclude")
    reasons: tuple[tuple[KeptOutCode, KeptOutCode, Collection[int], str, str | None], ...] = (
        ("given", "given_variant", hidden.given, "was given in the call", None),
        (
            "purchased",
            "purchased_variant",
            hidden.purchased,
            "was bought by the shopper",
            "/exclude_purchased",
        ),
    )
    for code, variant_code, rows, text, pointer in reasons:
        if row in rows:
            yield KeptOut(code, f"It {text}.", pointer)
        elif groups[row] != NO_GROUP:
            variants = [ids[each] for each in rows if groups[each] == groups[row]]
            if variants:
                told = f"A variant of it, '{variants[0]}', {text}."
                yield KeptOut(variant_code, told, pointer, variants[0])


def _unwanted(call: Basis, item: Item) -> Iterator[KeptOut]:
    """Yield what the call asks for that the item is not."""
    request, row, columns = call.request, item.catalogue_row, call.shelf.catalogue.columns
    if request.filter is not None:
        pointer, clause = _failing(request.filter, "/filter", call, row)
        if clause is not None:
            text = orjson.dumps(clause).decode()
            if len(text) > _SHOWN_CHARACTERS:
                text = f"{text[:_SHOWN_CHARACTERS]}…"
            yield KeptOut("filter", f"It does not meet the filter's {text}.", pointer=pointer)
    category = request.category if isinstance(request, PopularRequest | TrendingRequest) else None
    if category is not None and (row == NO_ROW or row not in columns.categories.rows(category)):
        told = f"It does not lie in the category '{category}'."
        yield KeptOut("category", told, pointer="/category")
    if isinstance(request, RerankRequest):
        selection = [each for given in request.item_ids for each in find_items(call.shelf, given)]
        if item not in selection:
            told = "It is not in the selection that is to be ranked."
            yield KeptOut("not_in_selection", told, pointer="/item_ids")


def _is_in_line(call: Basis, item: Item) -> bool:
    return any((row, catalogue_row) == item for row, catalogue_row in call.line)


def _unscored(
    call: Basis, selection: Selection, item: Item, *, is_given: bool
) -> Iterator[KeptOut]:
    """Yield why the model has nothing to say for the item; what is given speaks for others."""
    candidates = selection.scored.candidates
    if item.row == NO_ROW:
        # What is reranked stays, known to the model or not.
        if not isinstance(call.request, RerankRequest):
            told = "It is newer than the model; the next training takes it in."
            if call.shelf.new_items is not None:
                told += " Until then it has its turns among the new items of personal lists."
            yield KeptOut("newer_than_model", told)
    elif candidates is not None and not candidates[item.row] and not is_given:
        yield KeptOut("no_evidence", _NO_EVIDENCE)


def _failing(expression: Any, pointer: str, call: Basis, row: int) -> tuple[str, Any | None]:
    """Return the smallest condition that must hold and does not, and where; None if all do."""
    columns = call.shelf.catalogue.columns
    meets = read_filter(expression, pointer=pointer).mask(columns, row + 1)
    if row != NO_ROW and meets[row]:
        return pointer, None
    ((name, operand),) = expression.items()
    if name == "and" and row != NO_ROW:
        for place, each in enumerate(operand):
            found = _failing(each, f"{pointer}/and/{place}", call, row)
            if found[1] is not None:
                return found
    return pointer, expression


def _full(call: Basis, item: Item, what: Limited, before: Sequence[int]) -> KeptOut:
    kind, value = what
    catalogue, rules = call.shelf.catalogue, call.rules
    if kind == "group":
        # None, should the store have regrouped it meanwhile.
        variants = (catalogue.item_ids[row] for row in before if catalogue.groups[row] == value)
        item_id = next(variants, None)
        told = f"Its variant '{item_id}' stands for it; send 'collapse': 'none' to see each."
        return KeptOut("group", told, pointer="/collapse", item_id=item_id)
    if kind == "brand":
        brand = decode_product(catalogue.shown[item.catalogue_row].product).brand
        told = f"{rules.max_per_brand} of the brand '{brand}' stand before it."
        return KeptOut("max_per_brand", told, pointer="/max_per_brand")
    told = f"{rules.max_per_category} of the category '{value}' stand before it."
    return KeptOut("max_per_category", told, pointer="/max_per_category")


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
