from __future__ import annotations

from collections.abc import Callable

import pytest

from engine.core.dataset import Dataset, Interactions
from engine.core.examination import (
    Examination,
    cold_item_examination,
    examination,
    new_user_examination,
    visit_examination,
)
from engine.core.training_part import TrainingPart, training_part

PAST = [(0, 0, 1, 0, False), (1, 1, 1, 0, False), (1, 2, 1, 0, False)]
MINUTE = 1 / 1440


@pytest.fixture
def part(plain_store: Callable[..., Dataset]) -> TrainingPart:
    store = plain_store(users=4, items=5, lines=PAST)
    return training_part(store, store.interactions)


def found_by_user(exam: Examination) -> dict[int, list[int]]:
    return {int(user): exam.relevant.of(int(user)).tolist() for user in exam.users}


def test_what_a_user_has_met_examines_only_where_repeats_count(
    part: TrainingPart, interactions_of: Callable[..., Interactions]
) -> None:
    later = interactions_of([(0, 0, 1, 9, False), (0, 1, 1, 9, False), (1, 1, 1, 9, False)])
    new = examination(part, later, most_users=None, seed=0)
    again = examination(part, later, most_users=None, seed=0, repeats=True)
    assert found_by_user(new) == {0: [1]}
    assert found_by_user(again) == {0: [0, 1], 1: [1]}
    assert new.allowed_for(0).tolist() == [False, True, True, False, False]
    assert again.allowed_for(0).tolist() == [True, True, True, False, False]


def test_users_without_a_past_are_a_stratum_of_their_own(
    part: TrainingPart, interactions_of: Callable[..., Interactions]
) -> None:
    later = interactions_of([(0, 1, 1, 9, False), (3, 2, 1, 9, False)])
    exam = new_user_examination(part, later, most_users=None, seed=0)
    assert found_by_user(exam) == {3: [2]}
    assert not len(exam.batch(None).rows)


def test_items_without_training_events_are_ranked_among_themselves(
    part: TrainingPart, interactions_of: Callable[..., Interactions]
) -> None:
    later = interactions_of([(0, 1, 1, 9, False), (0, 4, 1, 9, False), (3, 4, 1, 9, False)])
    exam = cold_item_examination(part, later, most_users=None, seed=0)
    assert found_by_user(exam) == {0: [4]}
    assert exam.allowed_for(0).tolist() == [False, False, False, True, True]


def test_a_visit_is_asked_for_the_rest_of_itself(
    part: TrainingPart, interactions_of: Callable[..., Interactions]
) -> None:
    basket = [(2, item, 1, 9 + item * MINUTE, True) for item in (0, 1, 2)]
    another_visit = [(2, 0, 1, 10, True)]
    later = interactions_of([*basket, *another_visit])
    one = visit_examination(part, later, seeds=1, most_users=None, seed=0)
    (visit,) = one.users
    given, rest = one.taken.of(visit).tolist(), one.relevant.of(visit).tolist()
    assert len(given) == 1
    assert sorted(given + rest) == [0, 1, 2]
    assert one.batch(1.0).rows.tolist() == given


def test_users_are_sampled_by_the_seed(
    part: TrainingPart, interactions_of: Callable[..., Interactions]
) -> None:
    later = interactions_of([(0, 1, 1, 9, False), (1, 0, 1, 9, False)])
    exams = [examination(part, later, most_users=1, seed=seed) for seed in (0, 0, 1, 2, 3, 4)]
    assert {len(exam.users) for exam in exams} == {1}
    assert exams[0].users == exams[1].users
    assert len({int(exam.users[0]) for exam in exams}) == 2
