"""Gives a share of a personal list's places to new items, so that shoppers meet them at all."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from itertools import islice

from msgspec import UNSET

from api.inference.basis import Basis
from api.inference.new_items import draw_of
from api.inference.rules import Picker
from api.inference.selection import Hidden, Mask, Picked, on_sale
from api.inference.shelf import NO_ROW
from engine.core.scored import Heard, Reason

# A list stays as it is while a shopper comes back to the page.
_SECONDS_PER_DRAW = 3_600
_NEW_FOR_YOU = Reason(code="new_for_you", seed_row=None)


class Exploring(Basis):
    """A call that may show new items.

    Attributes
    ----------
    explored_by
        The part of the model that scored the new items in the answer; None where none did.
    """

    explored_by: str | None = None

    def _with_new_items(self, picked: list[Picked], heard: Heard) -> list[Picked]:
        """Return a list with new items in its last places, as many as are theirs and fit."""
        new = self.shelf.new_items
        if new is None:
            return picked
        limit, draw = self.request.limit, self._draw()
        places = new.places(limit, draw=draw)
        if not places:
            return picked
        allowed = self._may_be_met(picked)
        # Fewer may fit than there are places, and what stays in their stead may take their room.
        while places:
            kept = picked[: limit - places]
            line = new.in_line(heard, allowed=allowed, draw=draw)
            chosen = self._chosen(line, behind=kept, limit=places)
            if len(chosen) == places:
                self.explored_by = new.part.name if new.part else None
                return [*kept, *chosen]
            places = len(chosen)
        return picked

    def _draw(self) -> int:
        request = self.request
        who = request.user_id or request.anonymous_id or request.session_id or ""
        turn = request.seed
        if turn is None:
            turn = int(time.time()) // _SECONDS_PER_DRAW
        return draw_of(f"{who} {turn}")

    def _may_be_met(self, picked: Sequence[Picked]) -> Mask:
        shelf = self.shelf
        bought: list[int] = []
        if self.request.exclude_purchased in {UNSET, True}:
            events = self.shopper.recents.events
            newer = self._catalogue_rows([it.item_id for it in events if it.type == "purchase"])
            bought = [row for row in newer if self._is_newer_than_the_model(row)]
            bought += shelf.catalogue_rows[list(self.hidden.purchased)].tolist()
        self.hidden_in_catalogue = Hidden(
            excluded=self._catalogue_rows(self.request.exclude),
            given=self._catalogue_rows(self._given_ids()),
            purchased=[row for row in bought if row != NO_ROW],
        )
        allowed = on_sale(shelf.catalogue, hidden=self.hidden_in_catalogue, rules=self.rules)
        allowed[[each[1] for each in picked if each[1] != NO_ROW]] = False
        return allowed

    def _chosen(
        self, line: Iterable[tuple[int, int, float]], *, behind: Sequence[Picked], limit: int
    ) -> list[Picked]:
        if self.rules.may_pass_over(self.shelf.catalogue):
            picker = Picker(self.rules, self.shelf.catalogue)
            for each in behind:
                picker.takes(each[1])
            line = (each for each in line if picker.takes(each[1]))
        return [
            (row, catalogue_row, score, "exploration", _NEW_FOR_YOU)
            for row, catalogue_row, score in islice(line, limit)
        ]
