"""Explains one item of one call: answers the call as ever, then looks at what it was made from."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from typing import cast

import msgspec
import numpy as np
from msgspec import UNSET

from api.inference.answering import Visit
from api.inference.answers import AnswerItem, CallWarning, decode_product
from api.inference.explain_requests import SEED, Question
from api.inference.explanations import (
    ExplainedBoost,
    ExplainedPart,
    Explanation,
    KeptOut,
    PartCode,
    Seed,
)
from api.inference.kept_out import Item, find_items, kept_out_by, without_room
from api.inference.recommend import Call, Outcome
from api.inference.rendering import answer_items, item_id_of, model_name
from api.inference.requests import SimilarRequest
from api.inference.rules import Limited, Picker
from api.inference.selection import Selection, in_turn
from api.inference.shelf import NO_ROW, Shelf

# An item's rank is looked for among as many; who stands further behind has its `score_rank`.
_RANKED_ROWS = 1_000
_SHOWN_SEEDS = 3
_DIGITS = 6
_OTHERS = "How often shoppers choose it together with these items"
_PART_TEXTS: dict[PartCode, str] = {
    "popular": "How much it is in demand in the whole store now",
    "category_popular": "How much it is in demand in the categories of these items",
    "item_knn": _OTHERS,
    "rp3": _OTHERS,
    "ease": _OTHERS,
    "gfcf": _OTHERS,
    "co_visits": "How often shoppers come to it next after these items",
    "content": "How much it is like these items in category, brand and attributes",
    "taste": "How well it fits the taste that shows in these items",
    "factors": "How well it fits the taste that shows in these items",
    "own": "How much the shopper has turned to it before",
    "bought_together": "How much more often than by chance it is bought with these items",
    "trending": "How much more it is in demand than it used to be",
    "last_viewed": "When the shopper looked at it last, in seconds since 1970",
}

# What a line goes by that is not the model's.
_LINES: dict[str, PartCode] = {"history": "last_viewed", "trending": "trending"}


def explain(visit: Visit, question: Question, *, started: float) -> Explanation:
    """Say where an item stands and why; `started` is of `time.perf_counter`."""
    shelf = visit.shelf
    call = Call(question.request, shelf, visit.shopper)
    outcome = call.outcome()
    answered = answer_items(outcome.picked, shelf)
    item, shown = _meant(question.item_id, shelf, outcome, answered)
    # A variant that stands for its group stands there by the score of the group's best.
    scored = item if shown is None else _scored(call, item)
    standing = _Standing(call, item, scored)
    is_explored = shown is not None and shown.source == "exploration"
    score = standing.score if shown is None else shown.score
    return Explanation(
        type=question.operation,
        item_id=question.item_id if item is None else item_id_of(*item, shelf),
        group_id=_group_id(item, shelf),
        shown=shown is not None,
        rank=standing.rank if shown is None else shown.rank,
        score_rank=None if is_explored else standing.score_rank,
        score=score,
        source=None if shown is None else shown.source,
        reason=None if shown is None else shown.reason,
        parts=_parts(call, scored, shown),
        boost=None if is_explored else _boost(call, scored),
        kept_out_by=[] if shown else standing.kept_out_by(),
        warnings=_warnings(call, question, is_known=item is not None),
        model=model_name(shelf.model),
        strategy=outcome.strategy,
        fallback=outcome.fallback,
        freshness=visit.freshness,
        took_ms=round((time.perf_counter() - started) * 1000, 3),
    )


def _meant(
    reference: str, shelf: Shelf, outcome: Outcome, answered: Sequence[AnswerItem]
) -> tuple[Item | None, AnswerItem | None]:
    """Return the item, and how the answer has it; of a group the variant that is shown."""
    items = find_items(shelf, reference)
    for (row, catalogue_row, *_), given in zip(outcome.picked, answered, strict=True):
        item = Item(row, catalogue_row)
        if item in items:
            return item, given
    return (items[0] if items else None), None


def _scored(call: Call, item: Item | None) -> Item | None:
    """Return the item by whose score a shown one has its place."""
    if call.selection is None or item is None or item.row == NO_ROW:
        return item
    for row, shown in _turns_of(call, call.selection):
        if shown == item.row:
            return Item(row, int(call.shelf.catalogue_rows[row]))
    return item


class _Standing:
    """Where an item stands in a call that is answered.

    Attributes
    ----------
    rank
        In a list without end; None where the item does not come to its turn, or there is no room.
    """

    def __init__(self, call: Call, item: Item | None, scored: Item | None) -> None:
        self._call = call
        self._item = item
        self.score: float | None = None
        self.score_rank: int | None = None
        self.rank: int | None = None
        self._full: list[Limited] = []
        self._before: list[int] = []
        if item is not None and scored is not None:
            self._score(scored)
            self._place(item)

    def kept_out_by(self) -> list[KeptOut]:
        """Return why the item is not shown: the rules, else who came before it."""
        call, item = self._call, self._item
        if item is None:
            return [KeptOut("not_found", "Nobody knows this id.", pointer="/item_id")]
        rules = kept_out_by(call, item, now=time.time())
        if rules:
            return rules
        if self._full:
            return without_room(call, item, full=self._full, before=self._before)
        limit = call.request.limit
        if self.rank is not None and self.rank <= limit:
            return [KeptOut("exploration", "A new item has its place, so that it is met at all.")]
        if call.rules.diversity and (self.score_rank or limit + 1) <= limit:
            told = "Items that differ more from those before it were taken first."
            return [KeptOut("diversity", told, pointer="/diversity")]
        return [KeptOut("limit", f"The list ends with {limit} items.", pointer="/limit")]

    def _score(self, item: Item) -> None:
        selection = self._call.selection
        if selection is not None and item.row != NO_ROW:
            value = selection.values[item.row]
            self.score = round(float(value), _DIGITS)
            self.score_rank = 1 + int((selection.values[selection.allowed] > value).sum())

    def _place(self, item: Item) -> None:
        """Pick anew until it is the item's turn.

        With diversity no further than the list goes, since what comes then depends on its length.
        """
        rules = self._call.rules
        picker = Picker(rules, self._call.shelf.catalogue)
        for asked, shown in _turns(self._call):
            if shown == item:
                self._full = picker.full(shown.catalogue_row)
                self.rank = None if self._full else len(self._before) + 1
                return
            if picker.takes(shown.catalogue_row):
                self._before.append(shown.catalogue_row)
            if asked == item:
                # Its variant stands for it.
                self._full = picker.full(item.catalogue_row)
                return
            if rules.diversity and len(self._before) == self._call.request.limit:
                return


def _turns(call: Call) -> Iterator[tuple[Item, Item]]:
    """Yield items as they are asked, each with the one that is shown for it."""
    shelf = call.shelf
    if call.selection is not None:
        for row, shown in _turns_of(call, call.selection):
            yield (
                Item(row, int(shelf.catalogue_rows[row])),
                Item(shown, int(shelf.catalogue_rows[shown])),
            )
    for row, catalogue_row in call.line[:_RANKED_ROWS]:
        item = Item(int(row), int(catalogue_row))
        yield item, item


def _turns_of(call: Call, selection: Selection) -> Iterable[tuple[int, int]]:
    # With diversity the order depends on the pool, so it must be the answer's own.
    pool = selection.pool if call.rules.diversity else max(selection.pool, _RANKED_ROWS)
    return in_turn(selection.best(pool), selection, call.shelf, rules=call.rules)


def _parts(call: Call, item: Item | None, shown: AnswerItem | None) -> list[ExplainedPart]:
    if item is None:
        return []
    is_explored = shown is not None and shown.source == "exploration"
    if call.selection is None or item.row == NO_ROW or is_explored:
        code = _LINES.get(shown.source) if shown else None
        if is_explored and call.explored_by:
            code = cast(PartCode, call.explored_by)
        return [ExplainedPart(code, shown.score, _PART_TEXTS[code], [])] if shown and code else []
    return [
        ExplainedPart(
            code=cast(PartCode, part.name),
            score=round(part.score, _DIGITS),
            text=_PART_TEXTS[cast(PartCode, part.name)],
            items=[_seed(row, share, call.shelf) for row, share in part.seeds[:_SHOWN_SEEDS]],
        )
        for part in call.selection.scored.parts_of(item.row)
    ]


def _seed(row: int, share: float, shelf: Shelf) -> Seed:
    item = Item(row, int(shelf.catalogue_rows[row]))
    return Seed(item_id_of(*item, shelf), _title(item.catalogue_row, shelf), round(share, 3))


def _title(catalogue_row: int, shelf: Shelf) -> str | None:
    if catalogue_row == NO_ROW:
        return None
    return decode_product(shelf.catalogue.shown[catalogue_row].product).title


def _boost(call: Call, item: Item | None) -> ExplainedBoost | None:
    selection = call.selection
    if selection is None or selection.factors is None or item is None or item.row == NO_ROW:
        return None
    columns, row = call.shelf.catalogue.columns, item.catalogue_row
    met = [
        f"/boost/{place}"
        for place, (condition, _) in enumerate(call.rules.boosts)
        if row != NO_ROW and condition.mask(columns, row + 1)[row]
    ]
    if not met:
        return None
    added = float(selection.values[item.row]) - float(selection.scored.values[item.row])
    factor = float(np.round(selection.factors[item.row], _DIGITS))
    return ExplainedBoost(factor, round(added, _DIGITS), met)


def _group_id(item: Item | None, shelf: Shelf) -> str | msgspec.UnsetType:
    if item is None or item.catalogue_row == NO_ROW:
        return UNSET
    return shelf.catalogue.group_ids[item.catalogue_row] or UNSET


def _warnings(call: Call, question: Question, *, is_known: bool) -> list[CallWarning]:
    """Return the call's warnings in the question's words."""
    warnings = call.warnings
    if isinstance(question.request, SimilarRequest):
        warnings = [
            CallWarning(each.code, f"/{SEED}") if each.pointer == "/item_id" else each
            for each in warnings
        ]
    return warnings if is_known else [*warnings, CallWarning("item_not_found", "/item_id")]
