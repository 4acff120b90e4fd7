from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp

from engine.core.baskets import no_baskets
from engine.core.blend import Blend
from engine.core.co_purchases import co_purchases
from engine.core.dataset import CatalogueItem, Dataset
from engine.core.evaluator import evaluate
from engine.core.examination import examination
from engine.core.features import FeatureSpace
from engine.core.histories import UserHistories, UserRows
from engine.core.parts import StaticPart
from engine.core.ranking import score_cart, score_popular, score_similar
from engine.core.recommenders.sparse_rows import neighbour_part
from engine.core.scored import Reason
from engine.core.split import temporal_split
from engine.core.tables import ModelTables
from engine.core.trained_model import TrainedModel
from engine.core.training_part import training_part
from tests.engine.scoring import listed, personal

ALL = np.ones(5, dtype=np.bool_)


def tables_of(neighbours: list[list[float]], weights: dict[str, float]) -> ModelTables:
    popularity = np.array([4.0, 3.0, 2.0, 1.0, 0.0], np.float32)
    z = (popularity - popularity.mean()) / popularity.std()
    empty = np.zeros(1, np.int64)
    return ModelTables(
        item_ids=list("abcde"),
        user_keys=[],
        blend=Blend(
            parts=(
                StaticPart(name="popular", scores=z),
                neighbour_part("item_knn", [sp.csr_array(np.array(neighbours))]),
            ),
            weights=weights,
        ),
        popularity=popularity,
        bought_together=co_purchases(
            no_baskets(), [CatalogueItem(item_id=name, title="") for name in "abcde"]
        ),
        history_half_life_days=30.0,
        newest_seconds=0,
        histories=UserHistories(
            indptr=empty,
            rows=np.zeros(0, np.int32),
            weights=np.zeros(0, np.float32),
            seconds=np.zeros(0, np.int64),
        ),
        purchased=UserRows(empty, np.zeros(0, np.int32)),
        feature_space=FeatureSpace({}, np.zeros(0, np.float32), np.zeros(0)),
    )


LINKS = [
    [0, 0, 0, 0.5, 0.9],
    [0, 0, 0.8, 0, 0],
    [0, 0.8, 0, 0, 0],
    [0.5, 0, 0, 0, -0.9],
    [0.9, 0, 0, -0.9, 0],
]
TABLES = tables_of(LINKS, {"popular": 0.1, "item_knn": 1.0})


def test_the_newest_history_counts_most_and_is_named_as_the_reason() -> None:
    ranked = listed(personal(TABLES, history=[(1, 1.0, 90.0), (0, 1.0, 0.0)]), allowed=ALL, limit=2)
    assert ranked.rows[0] == 4
    assert ranked.sources[0] == "item_item"
    assert (ranked.reasons[0].code, ranked.reasons[0].seed_row) == ("because_you_interacted", 0)


def test_only_allowed_rows_are_answered_and_lists_may_be_short() -> None:
    allowed = np.array([True, False, True, False, False])
    ranked = listed(personal(TABLES, history=[(3, 1.0, 0.0)]), allowed=allowed, limit=10)
    assert sorted(ranked.rows.tolist()) == [0, 2]
    nothing = listed(personal(TABLES, history=[(3, 1.0, 0.0)]), allowed=~ALL, limit=10)
    assert len(nothing.rows) == 0


def test_a_negative_weight_pushes_an_item_below_untouched_ones() -> None:
    ranked = listed(personal(TABLES, history=[(3, 1.0, 0.0)]), allowed=ALL, limit=5)
    assert ranked.rows[-1] == 4


def test_scores_fall_and_equal_the_weighted_sum_of_z_scores() -> None:
    history = [(3, 1.0, 0.0)]
    ranked = listed(personal(TABLES, history=history), allowed=ALL, limit=5)
    raw = np.array(LINKS[3]) * np.log(2)
    popularity = TABLES.popularity
    expected = 0.1 * (popularity - popularity.mean()) / popularity.std()
    expected = expected + (raw - raw.mean()) / raw.std()
    assert ranked.scores == pytest.approx(expected[ranked.rows], abs=1e-5)
    assert ranked.scores.tolist() == sorted(ranked.scores.tolist(), reverse=True)


def test_without_a_history_the_answer_is_popularity() -> None:
    ranked = listed(personal(TABLES, history=[]), allowed=ALL, limit=5)
    assert ranked.rows.tolist() == [0, 1, 2, 3]
    assert {reason.code for reason in ranked.reasons} == {"popular_now"}
    disliked = listed(personal(TABLES, history=[(2, -5.0, 1.0)]), allowed=ALL, limit=5)
    assert disliked.rows.tolist() == ranked.rows.tolist()


def test_popular_items_are_those_somebody_turned_to() -> None:
    allowed = np.array([False, True, True, True, True])
    assert listed(score_popular(TABLES), allowed=allowed, limit=9).rows.tolist() == [1, 2, 3]
    assert listed(score_popular(TABLES), allowed=allowed, limit=1).rows.tolist() == [1]


def test_similar_items_have_evidence_and_leave_out_the_item_itself() -> None:
    ranked = listed(score_similar(TABLES, item_row=0), allowed=ALL, limit=5)
    assert ranked.rows.tolist() == [4, 3]
    assert {(reason.code, reason.seed_row) for reason in ranked.reasons} == {("similar_item", 0)}


def test_an_item_is_never_similar_to_itself_by_its_own_vector(acorn_model: TrainedModel) -> None:
    tables = acorn_model.tables
    for row in range(0, 120, 7):
        ranked = listed(
            score_similar(tables, item_row=row), allowed=np.ones(120, np.bool_), limit=120
        )
        assert len(ranked.rows)
        assert row not in ranked.rows


def test_similar_items_need_no_weight_in_the_blend() -> None:
    silent = tables_of(LINKS, {"popular": 1.0, "item_knn": 0.0})
    assert listed(score_similar(silent, item_row=1), allowed=ALL, limit=5).rows.tolist() == [2]
    assert listed(personal(silent, history=[(1, 1.0, 0.0)]), allowed=ALL, limit=1).rows == [0]


def test_an_item_without_neighbours_has_none_similar() -> None:
    alone = tables_of([[0.0] * 5] * 5, {"popular": 1.0})
    assert len(listed(score_similar(alone, item_row=1), allowed=ALL, limit=5).rows) == 0


def test_evaluation_scores_exactly_as_serving_ranks(
    acorn_store: Dataset, acorn_model: TrainedModel
) -> None:
    """The one scoring path: examined users' lists are what serving answers."""
    split = temporal_split(acorn_store.interactions, later_share=0.2)
    exam = examination(training_part(acorn_store, split.earlier), split.later, most_users=5, seed=0)
    blend = acorn_model.tables.blend
    batch_scores = blend.scores(exam.batch(60.0))
    for place, user in enumerate(exam.users):
        span = slice(exam.histories.indptr[user], exam.histories.indptr[user + 1])
        ages = (exam.newest_seconds - exam.histories.seconds[span]) / 86_400
        history = list(
            zip(exam.histories.rows[span], exam.histories.weights[span], ages, strict=True)
        )
        allowed = exam.allowed_for(int(user))
        ranked = listed(personal(acorn_model.tables, history=history), allowed=allowed, limit=20)
        assert ranked.scores == pytest.approx(batch_scores[place][ranked.rows], abs=1e-4)
        best_left_out = np.setdiff1d(np.flatnonzero(allowed), ranked.rows)
        assert batch_scores[place][best_left_out].max() <= ranked.scores[-1] + 1e-4
    assert len(evaluate(blend, exam, half_life_days=60.0).ndcg) == 5


def test_a_cart_is_scored_by_all_of_its_items() -> None:
    scored = score_cart(TABLES, item_rows=[0, 3])
    # d and a speak against each other's e: 0.9 - 0.9 leaves nothing there.
    one = score_similar(TABLES, item_row=0).values
    assert scored.candidates is not None
    assert not scored.candidates[[0, 3]].any()
    assert one[4] > scored.values[4]


def test_a_carts_reasons_name_the_item_that_spoke_most() -> None:
    ranked = listed(score_cart(TABLES, item_rows=[1, 4]), allowed=ALL, limit=5)
    seeds = {
        int(row): reason.seed_row for row, reason in zip(ranked.rows, ranked.reasons, strict=True)
    }
    assert seeds == {0: 4, 2: 1}


def test_an_items_parts_add_up_to_its_score_and_name_their_seeds() -> None:
    scored = personal(TABLES, history=[(1, 1.0, 0.0), (0, 3.0, 0.0), (3, 1.0, 0.0)])
    for row in range(5):
        parts = scored.parts_of(row)
        assert sum(part.score for part in parts) == pytest.approx(scored.values[row], abs=1e-6)
        assert [part.score for part in parts] == sorted((p.score for p in parts), reverse=True)
    by_name = {part.name: part for part in scored.parts_of(4)}
    # Item 0 speaks for item 4 with 0.9, item 3 against it, item 1 not at all.
    assert by_name["item_knn"].seeds == ((0, 1.0),)
    assert by_name["popular"].seeds == ()
    shares = dict({part.name: part for part in scored.parts_of(2)}["item_knn"].seeds)
    assert shares == {1: 1.0}


def test_popularity_alone_is_one_part() -> None:
    (part,) = score_popular(TABLES).parts_of(1)
    assert (part.name, part.score, part.seeds) == ("popular", 3.0, ())


def test_what_is_popular_in_a_category_and_what_was_chosen_before_say_so() -> None:
    identity = np.eye(5).tolist()
    tables = tables_of(LINKS, {"category_popular": 1.0, "own": 0.5})
    parts = (
        neighbour_part("category_popular", [sp.csr_array(np.array(LINKS))]),
        neighbour_part("own", [sp.csr_array(np.array(identity))]),
    )
    tables = replace(tables, blend=replace(tables.blend, parts=parts))
    ranked = listed(personal(tables, history=[(0, 1.0, 0.0)]), allowed=ALL, limit=5)
    of_row = dict(zip(ranked.rows.tolist(), ranked.reasons, strict=True))
    assert of_row[4] == Reason("popular_in_category", 0)
    assert of_row[0] == Reason("chosen_before", None)
