"""What a call refers to, looked up, and what its answer is made from, for whoever asks why."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import islice

from msgspec import UNSET

from api.inference.answers import CallWarning
from api.inference.history import History, looked_at, merge_history
from api.inference.requests import (
    BoughtTogetherRequest,
    CartRequest,
    ForUserRequest,
    Request,
    RerankRequest,
    SimilarRequest,
)
from api.inference.rules import Picker, Rules
from api.inference.selection import (
    Hidden,
    Line,
    Mask,
    Picked,
    Selection,
    allowed_rows,
    on_sale,
    select_best,
)
from api.inference.shelf import NO_ROW, Shelf
from api.inference.shopper import Shopper
from engine.core.scored import Scored

_NOTHING = Hidden()


class Basis:
    """One call with what it refers to already looked up.

    Attributes
    ----------
    hidden, hidden_in_catalogue
        What the call keeps out, by the model's rows and by the catalogue's.
    selection
        Where items were picked by score.
    line
        What stood in line by something else than a score, behind the selection.
    """

    def __init__(self, request: Request, shelf: Shelf, shopper: Shopper) -> None:
        self.request = request
        self.shelf = shelf
        self.rules = Rules.of(request, unfilterable=shelf.catalogue.columns.unfilterable)
        self.is_named = bool(shopper.traces) or request.session_id is not None
        self.has_objected = any(trace.key in shelf.objections for trace in shopper.traces)
        self.shopper = Shopper() if self.has_objected else shopper
        self.warnings: list[CallWarning] = []
        self.hidden = self.hidden_in_catalogue = _NOTHING
        self.selection: Selection | None = None
        self.line: Line = ()
        self.excluded = self._rows(request.exclude, "/exclude", every_variant=True)
        self.seeds: list[int] = []
        if isinstance(request, ForUserRequest):
            self.seeds = self._rows(request.session, "/session", every_variant=False)
        elif isinstance(request, SimilarRequest):
            self.seeds = self._rows((request.item_id,), "/item_id", every_variant=False)
        elif isinstance(request, CartRequest | BoughtTogetherRequest):
            self.seeds = self._rows(request.item_ids, "/item_ids", every_variant=False)
        elif isinstance(request, RerankRequest):
            self.seeds = self._rows(request.item_ids, "/item_ids", every_variant=True)

    def _on_sale(self) -> Mask:
        self.hidden_in_catalogue = Hidden(excluded=self._catalogue_rows(self.request.exclude))
        return on_sale(self.shelf.catalogue, hidden=self.hidden_in_catalogue, rules=self.rules)

    def _next_in_line(self, *, behind: Sequence[Picked] = ()) -> Iterator[tuple[int, int]]:
        picker = Picker(self.rules, self.shelf.catalogue)
        for _, catalogue_row, *_ in behind:
            picker.takes(catalogue_row)
        rows = ((int(row), int(catalogue_row)) for row, catalogue_row in self.line)
        shown = (each for each in rows if picker.takes(each[1]))
        return islice(shown, self.request.limit - len(behind))

    def _is_newer_than_the_model(self, catalogue_row: int) -> bool:
        return self.shelf.item_row(catalogue_row) == NO_ROW

    def _catalogue_rows(self, references: Sequence[str]) -> list[int]:
        return [row for each in references for row in self.shelf.catalogue.find(each)]

    def _given_ids(self) -> Sequence[str]:
        if isinstance(self.request, ForUserRequest):
            return self.request.session
        if isinstance(self.request, CartRequest | BoughtTogetherRequest):
            return self.request.item_ids
        return (self.request.item_id,) if isinstance(self.request, SimilarRequest) else ()

    def _best(self, scored: Scored, allowed: Mask) -> list[Picked]:
        self.selection = select_best(
            scored,
            self.shelf,
            allowed=allowed,
            rules=self.rules,
            limit=self.request.limit,
            seen=self._seen,
        )
        return self.selection.picked

    def _seen(self) -> dict[int, float]:
        shopper = self.shopper
        return looked_at(self.shelf, traces=shopper.traces, recents=shopper.recents)

    def _allowed(
        self, history: History | None, *, seeds: Sequence[int], excludes_purchased: bool
    ) -> Mask:
        asked = self.request.exclude_purchased
        purchased: Collection[int] = ()
        if excludes_purchased if asked is UNSET else asked:
            purchased = (history or self._history(session_rows=())).purchased
        self.hidden = Hidden(excluded=self.excluded, given=seeds, purchased=purchased)
        return allowed_rows(self.shelf, hidden=self.hidden, wanted=self.rules.filter)

    def _history(self, *, session_rows: Sequence[int]) -> History:
        return merge_history(
            self.shelf,
            traces=self.shopper.traces,
            recents=self.shopper.recents,
            session_rows=session_rows,
        )

    def _rows(self, references: Sequence[str], pointer: str, *, every_variant: bool) -> list[int]:
        rows: list[int] = []
        for index, reference in enumerate(references):
            found = self.shelf.find(reference)
            if found is None:
                place = pointer if pointer == "/item_id" else f"{pointer}/{index}"
                self.warnings.append(CallWarning(code="item_not_found", pointer=place))
            else:
                rows.extend(found if every_variant else found[:1])
        return rows
