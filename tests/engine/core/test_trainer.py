from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from math import log
from pathlib import Path

import numpy as np
import pytest

from engine.core.artifact import write_artifact
from engine.core.dataset import CatalogueItem, Dataset, Interactions
from engine.core.errors import NotEnoughData
from engine.core.portfolio import lightfm_portfolio
from engine.core.recipe import Recipe
from engine.core.split import temporal_split
from engine.core.trained_model import TrainedModel
from engine.core.trainer import train_model
from tests.engine.scoring import listed, personal


def train(
    dataset: Dataset,
    *,
    champion: Recipe | None = None,
    seconds_budget: float = 1000,
    report_progress: Callable[[str, float], None] = lambda stage, share: None,
) -> TrainedModel:
    return train_model(
        dataset=dataset,
        champion=champion,
        seconds_budget=seconds_budget,
        seed=5,
        threads=1,
        report_progress=report_progress,
    )


def array_hashes(model: TrainedModel, folder: Path) -> dict[str, str]:
    manifest = write_artifact(
        folder=folder / "1" / "V",
        model=model,
        environment_id=1,
        version="V",
        change_seq=0,
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    return {name: file["sha256"] for name, file in manifest["files"].items()}


def test_a_store_with_tastes_gets_a_model_that_beats_popularity(acorn_model: TrainedModel) -> None:
    report = acorn_model.report
    assert acorn_model.gate.promote
    assert report.metrics["ndcg@10"].low > report.baselines["popular"]["ndcg@10"].high
    assert set(report.metrics) == {
        *(f"{metric}@{k}" for metric in ("ndcg", "recall") for k in (1, 5, 10, 20, 50)),
        *("hit_rate@10", "mrr", "coverage@10", "popular_share@10"),
    }
    assert report.strata["warm"]["ndcg@10"] == report.metrics["ndcg@10"]
    assert report.counts["test_users"] >= 200
    assert [row.decile for row in report.popularity_deciles] == list(range(1, 11))
    assert sum(row.recommended for row in report.popularity_deciles) == pytest.approx(1)
    head = report.metrics["popular_share@10"].value
    assert report.popularity_deciles[0].recommended == pytest.approx(head)


def test_a_report_shows_how_lightfms_candidates_learnt(acorn_model: TrainedModel) -> None:
    curves = acorn_model.report.training_curve
    # Four start, two go on after 5 epochs, one after 10; it ends with 30 and those on the newest.
    assert [curve.points[-1].epoch for curve in curves].count(5) == 2
    longest = max(curves, key=lambda it: it.points[-1].epoch)
    epochs = [1, 2, 3, 5, 7, 10, 15, 20, 25, 30]
    assert [it.epoch for it in longest.points if not it.is_newest] == epochs
    newest = longest.settings["newest_epochs"]
    assert [it.epoch for it in longest.points if it.is_newest] == ([30 + newest] if newest else [])
    assert longest.points[9].loss < longest.points[0].loss < log(2)
    assert longest.points[9].ndcg > 0
    chosen = acorn_model.recipe.lightfm
    is_chosen = [asdict(chosen) == curve.settings if chosen else False for curve in curves]
    assert [curve.is_chosen for curve in curves] == is_chosen


def test_the_same_data_and_seed_give_the_same_bytes(
    acorn_store: Dataset, acorn_model: TrainedModel, tmp_path: Path
) -> None:
    again = train(acorn_store)
    assert again.recipe == acorn_model.recipe
    assert array_hashes(again, tmp_path / "a") == array_hashes(acorn_model, tmp_path / "b")


def test_what_happens_in_the_test_window_does_not_reach_the_recipe(
    acorn_store: Dataset, acorn_model: TrainedModel
) -> None:
    lines = acorn_store.interactions
    later = temporal_split(lines, later_share=0.2).later
    is_later = lines.seconds >= later.seconds.min()
    altered = lines.item_index.copy()
    # Other items, of the same tastes: so the recipe is still worth promoting.
    shelf, place = np.divmod(altered[is_later], 20)
    altered[is_later] = shelf * 20 + (place + 7) % 20
    other = train(replace(acorn_store, interactions=replace(lines, item_index=altered)))
    assert replace(other.recipe, seed=0) == replace(acorn_model.recipe, seed=0)
    assert other.report.metrics != acorn_model.report.metrics


def test_a_small_store_gets_the_prior_blend_and_is_told_so(birch_store: Dataset) -> None:
    model = train(birch_store)
    assert model.gate.promote
    assert "shoppers to test on" in model.gate.reason
    assert dict(model.recipe.weights) == {
        "popular": 1.0,
        "item_knn": 1.0,
        "content": 0.4,
        "category_popular": 0.2,
    }


def test_the_champions_recipe_is_trained_on_the_same_cut(
    acorn_store: Dataset, acorn_model: TrainedModel
) -> None:
    model = train(acorn_store, champion=acorn_model.recipe)
    assert model.report.baselines["champion"] == acorn_model.report.metrics
    assert model.gate.promote
    assert "newer data" in model.gate.reason


def test_a_better_recipe_replaces_a_poor_champion(
    acorn_store: Dataset, acorn_model: TrainedModel
) -> None:
    poor = replace(acorn_model.recipe, weights={"popular": 1.0})
    model = train(acorn_store, champion=poor)
    assert model.gate.promote
    assert model.recipe == acorn_model.recipe
    assert "the live model" in model.gate.reason


def test_the_champions_recipe_is_renewed_when_the_challenger_falls_behind(
    birch_store: Dataset,
    acorn_store: Dataset,
    acorn_model: TrainedModel,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def poor_choice(*args: object, **kwargs: object) -> Recipe:
        return replace(acorn_model.recipe, weights={"popular": 1.0})

    monkeypatch.setattr("engine.core.trainer.choose_recipe", poor_choice)
    model = train(acorn_store, champion=acorn_model.recipe)
    assert model.recipe == acorn_model.recipe
    assert model.gate.promote
    assert "newer data" in model.gate.reason


def test_a_tiny_budget_leaves_lightfm_and_ease_out_and_still_trains(acorn_store: Dataset) -> None:
    model = train(acorn_store, seconds_budget=0.01)
    assert model.recipe.lightfm is None
    assert model.recipe.ease is None
    assert model.gate.promote


def test_a_slow_hour_leaves_the_champions_recipe_as_it_is(
    acorn_store: Dataset, acorn_model: TrainedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    lightfm = lightfm_portfolio(epochs=5)[0]
    champion = replace(acorn_model.recipe, lightfm=lightfm, weights={"taste": 1.0, "item_knn": 1.0})
    as_ever = train(acorn_store, champion=champion)
    # 1000 s give 500 to LightFM: a third of it holds 5 + 1.6 epochs of 25 s, a sixth does not.
    monkeypatch.setattr("engine.core.trainer.epoch_seconds", lambda bench: 25.0)
    model = train(acorn_store, champion=champion)
    assert model.report.baselines["champion"] == as_ever.report.baselines["champion"]


def test_progress_goes_up_and_names_what_is_tried(acorn_store: Dataset) -> None:
    seen: list[tuple[str, float]] = []
    train(acorn_store, report_progress=lambda stage, share: seen.append((stage, share)))
    shares = [share for _, share in seen]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0.0, 0.95)
    # Four candidates for 5 epochs, two for 5 more, one for 20 more.
    epochs = [f"selecting, lightfm epoch {done} of 50" for done in range(1, 51)]
    told = [stage for stage, _ in seen]
    assert [stage for stage in told if stage.startswith("selecting, lightfm")] == epochs
    assert told[1] == "selecting, popularity 1 of 5"
    assert "selecting, rp3 2 of 3" in told
    stages = list(dict.fromkeys(stage.split(",")[0] for stage in told))
    assert stages == ["preparing", "selecting", "blending", "evaluating", "fitting", "checking"]
    assert max(map(len, told)) <= 64


def test_training_without_events_says_what_to_do(plain_store: Callable[..., Dataset]) -> None:
    with pytest.raises(NotEnoughData, match="Send events"):
        train(plain_store(users=0, items=0, lines=[]))
    with pytest.raises(NotEnoughData, match="No shopper"):
        train(plain_store(users=1, items=2, lines=[(0, 0, -5, 0, False), (0, 1, 0, 1, False)]))


@pytest.mark.parametrize(
    ("users", "items", "lines"),
    [
        (1, 1, [(0, 0, 1, 0, False)]),
        (1, 1, [(0, 0, 5, day, True) for day in range(9)]),
        (1, 8, [(0, item, 1, item, False) for item in range(8)]),
        (8, 1, [(user, 0, 1, user, False) for user in range(8)]),
        (8, 8, [(n % 8, n // 8, 1, 3, False) for n in range(64)]),
        (3, 3, [(0, 0, -5, 0, False), (1, 1, -5, 1, False), (2, 2, 1, 9, False)]),
    ],
    ids=["one event", "one pair", "one user", "one item", "one instant", "liked last"],
)
def test_the_smallest_stores_get_a_model_that_ranks(
    plain_store: Callable[..., Dataset],
    users: int,
    items: int,
    lines: list[tuple[int, int, float, float, bool]],
) -> None:
    model = train(plain_store(users=users, items=items, lines=lines))
    assert model.gate.promote
    allowed = np.ones(items, dtype=np.bool_)
    ranked = listed(personal(model.tables, history=[(0, 1.0, 0.0)]), allowed=allowed, limit=10)
    assert len(ranked.rows) == items
    assert np.isfinite(ranked.scores).all()


def test_ids_of_any_printable_character_survive(birch_store: Dataset, tmp_path: Path) -> None:
    strange = ["a/b", "ключ", "x" * 256, "Ж,\"'|%2F", "🧦", " space "]
    items = [
        CatalogueItem(item_id, "x") if row < len(strange) else birch_store.items[row]
        for row, item_id in enumerate([*strange, *[""] * (len(birch_store.items) - len(strange))])
    ]
    model = train(replace(birch_store, items=items))
    assert array_hashes(model, tmp_path)
    assert model.tables.item_ids[: len(strange)] == strange


def test_sessions_teach_but_have_no_profile(birch_store: Dataset) -> None:
    keys = [key if n % 2 else f"s:{n}" for n, key in enumerate(birch_store.user_keys)]
    model = train(replace(birch_store, user_keys=keys))
    assert model.tables.user_keys == [key for key in keys if key.startswith("u:")]
    assert len(model.tables.histories.indptr) == len(model.tables.user_keys) + 1


def test_an_id_that_comes_twice_and_a_row_outside_are_refused(
    birch_store: Dataset, interactions_of: Callable[..., Interactions]
) -> None:
    with pytest.raises(ValueError, match="comes twice"):
        replace(birch_store, items=[birch_store.items[0], *birch_store.items[:-1]])
    with pytest.raises(ValueError, match=r"item_index holds 0\.\.500"):
        replace(
            birch_store,
            interactions=interactions_of([(0, 0, 1, 0, False), (0, 500, 1, 0, False)]),
        )
