"""Lists for many users are those that each of them would get by a call."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.artifact import Artifact
from engine.core.batch_ranking import (
    NO_GROUP,
    Assortment,
    Audience,
    RankedList,
    rank_users,
    with_siblings,
)
from engine.core.histories import UserRows
from engine.core.ranking import score_popular
from engine.core.recency import DAY_SECONDS
from engine.core.scored import Ranked
from tests.engine.scoring import listed, personal

LIMIT = 7


def everything(artifact: Artifact) -> Assortment:
    return Assortment(
        is_available=np.ones(artifact.n_items, dtype=np.bool_),
        groups=np.full(artifact.n_items, NO_GROUP, dtype=np.int32),
    )


def audience_of(artifact: Artifact) -> Audience:
    return Audience(histories=artifact.histories, purchased=artifact.purchases)


def lists(
    artifact: Artifact, assortment: Assortment, *, users: list[int], limit: int = LIMIT
) -> list[RankedList]:
    return list(
        rank_users(
            artifact,
            audience_of(artifact),
            assortment,
            users=np.array(users, dtype=np.int64),
            limit=limit,
        )
    )


def by_a_call(artifact: Artifact, user: int) -> Ranked:
    key = artifact.user_keys[user]
    history = [
        (row, weight, (artifact.newest_seconds - seconds) / DAY_SECONDS)
        for row, weight, seconds in artifact.history(key)
    ]
    allowed = np.ones(artifact.n_items, dtype=np.bool_)
    allowed[artifact.purchased(key)] = False
    return listed(personal(artifact, history=history), allowed=allowed, limit=LIMIT)


def test_each_list_is_what_a_call_answers(acorn_artifact: Artifact) -> None:
    # More than are scored at once, in any order.
    users = np.random.default_rng(3).permutation(acorn_artifact.n_users).tolist()
    assert len(users) > 128
    made = lists(acorn_artifact, everything(acorn_artifact), users=users)
    for user, ranked in zip(users, made, strict=True):
        called = by_a_call(acorn_artifact, user)
        assert (ranked.strategy, ranked.rows.tolist()) == ("personal", called.rows.tolist())
        # A product of matrices rounds otherwise than one of a row.
        assert ranked.scores == pytest.approx(called.scores, abs=1e-4)


def test_who_has_no_history_is_shown_what_is_popular(acorn_artifact: Artifact) -> None:
    (nobody, somebody) = lists(acorn_artifact, everything(acorn_artifact), users=[-1, 0])
    everywhere = np.ones(acorn_artifact.n_items, dtype=np.bool_)
    popular = listed(score_popular(acorn_artifact), allowed=everywhere, limit=LIMIT)
    assert (nobody.strategy, nobody.rows.tolist()) == ("popular", popular.rows.tolist())
    assert somebody.strategy == "personal"


def test_what_is_not_available_is_not_shown(acorn_artifact: Artifact) -> None:
    assortment = everything(acorn_artifact)
    (before,) = lists(acorn_artifact, assortment, users=[3])
    assortment.is_available[before.rows[:3]] = False
    (after,) = lists(acorn_artifact, assortment, users=[3])
    assert after.rows[: LIMIT - 3].tolist() == before.rows[3:].tolist()


def test_a_group_shows_its_best_item_and_a_long_list_is_still_filled(
    acorn_artifact: Artifact,
) -> None:
    (plain,) = lists(acorn_artifact, everything(acorn_artifact), users=[3], limit=90)
    assortment = everything(acorn_artifact)
    assortment.groups[plain.rows[:60]] = 4
    (grouped,) = lists(acorn_artifact, assortment, users=[3], limit=20)
    assert grouped.rows.tolist() == [plain.rows[0], *plain.rows[60:79].tolist()]


def test_what_was_bought_stays_out_with_its_variants(acorn_artifact: Artifact) -> None:
    (plain,) = lists(acorn_artifact, everything(acorn_artifact), users=[3])
    bought = int(acorn_artifact.purchases.of(3)[0])
    assortment = everything(acorn_artifact)
    assortment.groups[[bought, plain.rows[0]]] = 4
    (ranked,) = lists(acorn_artifact, assortment, users=[3])
    assert ranked.rows[: LIMIT - 1].tolist() == plain.rows[1:].tolist()


@given(
    groups=st.lists(st.integers(-1, 3), min_size=1, max_size=12),
    owned=st.lists(st.lists(st.integers(0, 11), unique=True), max_size=5),
)
def test_siblings_are_the_members_of_the_same_groups(
    groups: list[int], owned: list[list[int]]
) -> None:
    owned = [sorted(row for row in rows if row < len(groups)) for rows in owned]
    purchased = UserRows(
        indptr=np.cumsum([0, *map(len, owned)]),
        rows=np.array([row for rows in owned for row in rows], dtype=np.int32),
    )
    widened = with_siblings(purchased, np.array(groups, dtype=np.int32))
    for user, rows in enumerate(owned):
        kin = {
            other
            for row in rows
            for other, group in enumerate(groups)
            if other == row or group == groups[row] != NO_GROUP
        }
        assert set(widened.of(user).tolist()) == kin


def test_a_shop_where_nothing_is_on_sale_has_empty_lists(acorn_artifact: Artifact) -> None:
    assortment = replace(
        everything(acorn_artifact),
        is_available=np.zeros(acorn_artifact.n_items, dtype=np.bool_),
    )
    assert [len(each.rows) for each in lists(acorn_artifact, assortment, users=[0, -1])] == [0, 0]
