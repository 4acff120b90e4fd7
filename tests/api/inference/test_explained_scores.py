"""Whatever is asked of whatever store: the explanation of each item agrees with the answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.inference.answering import Visit
from api.inference.answers import AnswerItem, Freshness
from api.inference.credentials import Caller
from api.inference.explain_requests import Question
from api.inference.explaining import explain
from api.inference.explanations import Explanation
from api.inference.recommend import recommend
from api.inference.rendering import answer_items
from api.inference.requests import Request
from api.inference.shopper import Shopper
from engine.core.artifact import Artifact
from tests.api.inference.random_stores import ITEMS, SEEDS, calls, random_shelf


@given(call=calls(), seed=SEEDS, user_id=st.sampled_from(["ada", None]))
@settings(max_examples=60)
def test_every_explanation_agrees_with_the_answer(
    artifact: Artifact, call: tuple[str, Request], seed: int, user_id: str | None
) -> None:
    type_, request = call
    shelf = random_shelf(artifact, seed)
    traces = shelf.identities.traces(user_id=user_id, anonymous_id=None)
    visit = Visit(cast(Caller, None), shelf, Shopper(traces), Freshness(None, None))
    outcome = recommend(request, shelf=shelf, shopper=visit.shopper)
    shown = {each.id: each for each in answer_items(outcome.picked, shelf)}
    explanations = [
        explain(visit, Question(type_, request, item_id), started=0)
        for item_id in (*ITEMS, "newer")
    ]
    assert [each.item_id for each in explanations if each.shown] == [
        each for each in (*ITEMS, "newer") if each in shown
    ]
    for told in explanations:
        assert (told.strategy, told.fallback) == (outcome.strategy, outcome.fallback)
        assert_adds_up(told)
        if told.shown:
            assert_agrees(told, shown[told.item_id])
        else:
            assert_kept_out(told, request, shown=list(shown.values()))


def assert_adds_up(told: Explanation) -> None:
    added = sum(part.score for part in told.parts) + (told.boost.score if told.boost else 0)
    if told.parts:
        assert told.score is not None
        assert added == pytest.approx(told.score, abs=2e-5, rel=1e-6)
    for part in told.parts:
        assert sum(each.share for each in part.items) <= 1.002


def assert_agrees(told: Explanation, item: AnswerItem) -> None:
    assert (told.rank, told.score) == (item.rank, item.score)
    assert (told.source, told.reason) == (item.source, item.reason)
    assert told.kept_out_by == []


def assert_kept_out(told: Explanation, request: Request, *, shown: Sequence[AnswerItem]) -> None:
    codes = [rule.code for rule in told.kept_out_by]
    assert codes, told
    assert len({rule.text for rule in told.kept_out_by}) == len(codes), codes
    if codes == ["exploration"]:
        assert any(each.source == "exploration" for each in shown)
        assert told.rank is not None
        assert told.rank <= request.limit
    elif "limit" in codes or "diversity" in codes:
        # Nothing else keeps it out, and the list is full.
        assert len(codes) == 1
        assert len(shown) == request.limit
        assert told.rank is None or told.rank > request.limit
    else:
        assert told.rank is None, told
