"""Decides a recommendation call: from request, shelf and recent events to the items and why."""

from __future__ import annotations

from dataclasses import dataclass, field

from api.inference.answers import (
    CallWarning,
    Fallback,
    FallbackReason,
    Strategy,
)
from api.inference.exploring import Exploring
from api.inference.history import LOOKING, History
from api.inference.requests import (
    BoughtTogetherRequest,
    CartRequest,
    ForUserRequest,
    PopularRequest,
    RecentlyViewedRequest,
    Request,
    RerankRequest,
    SimilarRequest,
    TrendingRequest,
)
from api.inference.selection import (
    Hidden,
    Mask,
    Picked,
    new_arrival,
    newest_first,
    on_sale,
    rows_mask,
    steepest_first,
)
from api.inference.shelf import NO_ROW, Shelf
from api.inference.shopper import Shopper
from engine.core.artifact import Artifact
from engine.core.ranking import (
    score_bought_together,
    score_cart,
    score_for_user,
    score_popular,
    score_similar,
    score_trending,
)
from engine.core.scored import Reason, Scored


@dataclass(slots=True)
class Outcome:
    """What was decided."""

    strategy: Strategy
    picked: list[Picked] = field(default_factory=list)
    fallback: Fallback | None = None
    warnings: list[CallWarning] = field(default_factory=list)


def recommend(
    request: Request, *, shelf: Shelf, shopper: Shopper, is_limited: bool = False
) -> Outcome:
    """Answer a call. Sold-out, hidden and given items never come back; nothing is made up.

    A limited call gets what is popular: the store's calls are used up.
    """
    call = Call(request, shelf, shopper)
    return call.limited() if is_limited else call.outcome()


class Call(Exploring):
    """One call, decided by its type."""

    def outcome(self) -> Outcome:
        """Decide the answer."""
        request = self.request
        if isinstance(request, RecentlyViewedRequest):
            return self._recently_viewed()
        if isinstance(request, TrendingRequest):
            return self._trending(request)
        if self.shelf.model is None:
            return self._newest(reason="no_model")
        artifact = self.shelf.model.artifact
        if isinstance(request, SimilarRequest):
            return self._similar(artifact)
        if isinstance(request, CartRequest | BoughtTogetherRequest):
            return self._basket(artifact, request)
        if isinstance(request, PopularRequest):
            return self._popular(artifact, category=request.category)
        if isinstance(request, RerankRequest):
            return self._rerank(artifact, request)
        return self._for_user(artifact)

    def limited(self) -> Outcome:
        """Answer what is popular, the same for everybody."""
        request, model = self.request, self.shelf.model
        if model is None:
            return self._newest(reason="quota_exceeded")
        is_selection = isinstance(request, RerankRequest)
        allowed = self._allowed(
            None, seeds=() if is_selection else self.seeds, excludes_purchased=False
        )
        if is_selection:
            allowed &= rows_mask(self.seeds, size=len(allowed))
        if isinstance(request, PopularRequest | TrendingRequest) and request.category is not None:
            allowed &= self.shelf.in_category(request.category)
        return self._fall_back_to_popular(model.artifact, allowed, reason="quota_exceeded")

    def _newest(self, *, reason: FallbackReason) -> Outcome:
        catalogue, request = self.shelf.catalogue, self.request
        events = self.shopper.recents.events
        bought = [event.item_id for event in events if event.type == "purchase"]
        self.hidden_in_catalogue = Hidden(
            excluded=self._catalogue_rows(request.exclude),
            given=self._catalogue_rows(self._given_ids()),
            purchased=self._catalogue_rows(bought),
        )
        allowed = on_sale(catalogue, hidden=self.hidden_in_catalogue, rules=self.rules)
        if isinstance(request, RerankRequest):
            # The store's own selection stays a selection.
            allowed &= rows_mask(self._catalogue_rows(request.item_ids), size=len(allowed))
        if isinstance(request, PopularRequest | TrendingRequest) and request.category is not None:
            allowed &= catalogue.columns.categories.carry(
                [request.category], slice(0, len(allowed))
            )
        self.line = newest_first(catalogue, allowed=allowed)
        return Outcome(
            strategy="newest",
            picked=[new_arrival(row) for _, row in self._next_in_line()],
            fallback=Fallback(from_=_own_strategy(request), to="newest", reason=reason),
            warnings=self.warnings,
        )

    def _recently_viewed(self) -> Outcome:
        """Answer what the shopper has looked at, newer than the model or not."""
        catalogue = self.shelf.catalogue
        allowed = self._allowed(None, seeds=(), excludes_purchased=False)
        seen_at = {
            (row, int(self.shelf.catalogue_rows[row])): at
            for row, at in self._seen().items()
            if allowed[row]
        }
        is_on_sale = self._on_sale()
        for event in reversed(self.shopper.recents.events):
            for row in catalogue.find(event.item_id)[:1]:
                is_looking = event.type in LOOKING and self._is_newer_than_the_model(row)
                if is_looking and row < len(is_on_sale) and is_on_sale[row]:
                    seen_at[NO_ROW, row] = event.epoch_ms / 1000
        self.line = sorted(seen_at, key=seen_at.__getitem__, reverse=True)
        reason = Reason(code="recently_viewed", seed_row=None)
        return Outcome(
            strategy="history",
            picked=[(*rows, seen_at[rows], "history", reason) for rows in self._next_in_line()],
            warnings=self.warnings,
        )

    def _for_user(self, artifact: Artifact) -> Outcome:
        history = self._history(session_rows=() if self.has_objected else self.seeds)
        allowed = self._allowed(history, seeds=self.seeds, excludes_purchased=True)
        outcome = self._personal(artifact, history, allowed)
        if outcome.strategy == "personal" and self.selection is not None:
            outcome.picked = self._with_new_items(outcome.picked, self.selection.scored.heard)
        return outcome

    def _rerank(self, artifact: Artifact, request: RerankRequest) -> Outcome:
        history = self._history(session_rows=())
        allowed = self._allowed(history, seeds=(), excludes_purchased=False)
        others = allowed.copy()
        others[self.seeds] = False
        outcome = self._personal(artifact, history, allowed & ~others)
        # What is newer than the model has no score; it keeps the store's order, behind the rest.
        is_on_sale = self._on_sale()
        self.line = [
            (NO_ROW, row)
            for row in dict.fromkeys(self._catalogue_rows(request.item_ids))
            if row < len(is_on_sale) and is_on_sale[row] and self._is_newer_than_the_model(row)
        ]
        newer = self._next_in_line(behind=outcome.picked)
        outcome.picked += [new_arrival(row) for _, row in newer]
        return outcome

    def _personal(self, artifact: Artifact, history: History, allowed: Mask) -> Outcome:
        if not len(history.rows):
            return self._fall_back_to_popular(artifact, allowed, reason=self._why_not_personal())
        scored = score_for_user(
            artifact, rows=history.rows, weights=history.weights, age_days=history.age_days
        )
        return Outcome(
            strategy="personal", picked=self._best(scored, allowed), warnings=self.warnings
        )

    def _why_not_personal(self) -> FallbackReason:
        if self.has_objected:
            return "not_personalised"
        return "unknown_shopper" if self.is_named else "no_shopper"

    def _similar(self, artifact: Artifact) -> Outcome:
        allowed = self._allowed(None, seeds=self.seeds, excludes_purchased=False)
        if not self.seeds:
            return self._fall_back_to_popular(artifact, allowed, reason="unknown_item")
        return self._beside(artifact, score_similar(artifact, item_row=self.seeds[0]), allowed)

    def _basket(self, artifact: Artifact, request: CartRequest | BoughtTogetherRequest) -> Outcome:
        allowed = self._allowed(None, seeds=self.seeds, excludes_purchased=False)
        if not self.seeds:
            reason: FallbackReason = "unknown_item" if request.item_ids else "empty_cart"
            return self._fall_back_to_popular(artifact, allowed, reason=reason)
        if isinstance(request, BoughtTogetherRequest):
            return self._bought_together(artifact, allowed)
        return self._beside(artifact, score_cart(artifact, item_rows=self.seeds), allowed)

    def _bought_together(self, artifact: Artifact, allowed: Mask) -> Outcome:
        """Answer partners; for items without one, what goes with them by all that is known."""
        picked = self._best(score_bought_together(artifact, item_rows=self.seeds), allowed)
        if picked:
            return Outcome("bought_together", picked, warnings=self.warnings)
        picked = self._best(score_cart(artifact, item_rows=self.seeds), allowed)
        if not picked:
            return self._fall_back_to_popular(artifact, allowed, reason="nothing_bought_together")
        fallback = Fallback(from_="bought_together", to="cart", reason="nothing_bought_together")
        return Outcome("cart", picked, fallback, self.warnings)

    def _trending(self, request: TrendingRequest) -> Outcome:
        """Answer what rises; what the model lacks stands behind the rest."""
        shelf, rise = self.shelf, self.shelf.rise(request.window)
        picked: list[Picked] = []
        is_on_sale = self._on_sale()
        if request.category is not None:
            in_category = shelf.catalogue.columns.categories.rows(request.category)
            is_on_sale &= rows_mask(in_category, size=len(is_on_sale))
        if shelf.model is not None:
            allowed = self._allowed(None, seeds=(), excludes_purchased=False)
            if request.category is not None:
                allowed &= shelf.in_category(request.category)
            scored = score_trending(shelf.model.artifact, rise=shelf.by_item(rise, missing=0))
            picked = self._best(scored, allowed)
        self.line = steepest_first(rise, shelf, allowed=is_on_sale)
        reason = Reason(code="trending", seed_row=None)
        picked += [
            (*rows, float(rise[rows[1]]), "trending", reason)
            for rows in self._next_in_line(behind=picked)
        ]
        if picked:
            return Outcome("trending", picked, warnings=self.warnings)
        if shelf.model is None:
            return self._newest(reason="no_model")
        return self._fall_back_to_popular(shelf.model.artifact, allowed, reason="nothing_trending")

    def _beside(self, artifact: Artifact, scored: Scored, allowed: Mask) -> Outcome:
        picked = self._best(scored, allowed)
        if not picked:
            return self._fall_back_to_popular(artifact, allowed, reason="nothing_similar")
        strategy = _own_strategy(self.request)
        return Outcome(strategy=strategy, picked=picked, warnings=self.warnings)

    def _popular(self, artifact: Artifact, *, category: str | None) -> Outcome:
        allowed = self._allowed(None, seeds=(), excludes_purchased=False)
        if category is not None:
            allowed = allowed & self.shelf.in_category(category)
        return Outcome(
            strategy="popular",
            picked=self._best(score_popular(artifact), allowed),
            warnings=self.warnings,
        )

    def _fall_back_to_popular(
        self, artifact: Artifact, allowed: Mask, *, reason: FallbackReason
    ) -> Outcome:
        return Outcome(
            strategy="popular",
            picked=self._best(score_popular(artifact), allowed),
            fallback=Fallback(from_=_own_strategy(self.request), to="popular", reason=reason),
            warnings=self.warnings,
        )


_OWN_STRATEGIES: dict[type[Request], Strategy] = {
    ForUserRequest: "personal",
    RerankRequest: "personal",
    SimilarRequest: "similar",
    BoughtTogetherRequest: "bought_together",
    CartRequest: "cart",
    TrendingRequest: "trending",
    PopularRequest: "popular",
    RecentlyViewedRequest: "history",
}


def _own_strategy(request: Request) -> Strategy:
    return _OWN_STRATEGIES[type(request)]
