"""The examinations on the validation window that recipes and weights are chosen on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.core.dataset import Interactions
from engine.core.examination import Examination, examination, visit_examination
from engine.core.recipe import RecommendationType
from engine.core.training_part import TrainingPart

# Fewer validation users choose noise.
ENOUGH_VALIDATION_USERS = 100
_MOST_HOME_USERS = 2_000
_MOST_TYPE_USERS = 1_000
# Scores of users and items, all parts and settings counted, that a second leaves time for.
_SCORES_PER_SECOND = 1_000_000
_USERS_PER_SECOND = 50


@dataclass(frozen=True)
class ValidationExams:
    """What recipes are chosen on: one examination for each recommendation type.

    ``by_type`` holds those of the types with users enough to learn weights on.
    """

    home: Examination
    by_type: Mapping[RecommendationType, Examination]


def validation_exams(
    part: TrainingPart, later: Interactions, *, seconds_budget: float, seed: int
) -> ValidationExams:
    """Set the validation window as examinations of as many users as the seconds allow."""
    affordable = min(_USERS_PER_SECOND, _SCORES_PER_SECOND / part.n_items) * seconds_budget
    home_users = int(max(ENOUGH_VALIDATION_USERS, min(_MOST_HOME_USERS, affordable)))
    most = min(_MOST_TYPE_USERS, home_users)
    by_type: dict[RecommendationType, Examination] = {
        "similar": visit_examination(part, later, seeds=1, most_users=most, seed=seed),
        "cart": visit_examination(part, later, seeds=None, most_users=most, seed=seed),
        "buy_again": examination(part, later, most_users=most, seed=seed, repeats=True),
    }
    return ValidationExams(
        home=examination(part, later, most_users=home_users, seed=seed),
        by_type={
            name: exam
            for name, exam in by_type.items()
            if len(exam.users) >= ENOUGH_VALIDATION_USERS
        },
    )
