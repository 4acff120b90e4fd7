from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from engine.core.artifact import open_artifact, write_artifact
from engine.core.base_model import BaseModel, read_base_model
from engine.core.dataset import CatalogueItem, Dataset, Interactions
from engine.core.errors import ArtifactRefused
from engine.core.fitting import Workbench
from engine.core.gate import GateDecision
from engine.core.parts import NeighbourPart, VectorPart
from engine.core.recency import DAY_SECONDS
from engine.core.recipe import (
    ContentSettings,
    EaseSettings,
    FactorsSettings,
    ItemKnnSettings,
    PopularitySettings,
    Recipe,
    UpdateSettings,
)
from engine.core.refit import model_tables
from engine.core.report import EvaluationReport
from engine.core.split import temporal_split
from engine.core.trained_model import TrainedModel
from engine.core.trainer import select_recipe, train_model
from engine.core.training_part import training_part
from engine.core.update_choice import base_of, choose_update
from engine.core.updater import update_model
from engine.core.warm_start import new_pairs, refitted_settings, updated_blend
from tests.engine.core.recommenders.test_contract import CONTEXT, LIGHTFM

NO_REPORT = EvaluationReport(metrics={}, baselines={}, counts={}, data_window={})
RECIPE = Recipe(
    popularity=PopularitySettings(window_days=7),
    history_half_life_days=60.0,
    item_knn=ItemKnnSettings(neighbours=20, shrinkage=10.0, half_life_days=None),
    content=ContentSettings(neighbours=20),
    ease=EaseSettings(neighbours=20, regularisation=10.0, half_life_days=None),
    factors=FactorsSettings(dimensions=8, ridge=1.0),
    lightfm=replace(LIGHTFM, epochs=3, newest_epochs=1),
    weights={"popular": 1.0, "ease": 1.0, "taste": 1.0},
    seed=3,
    update=UpdateSettings(epochs=2),
)


def up_to(store: Dataset, day_share: float) -> Dataset:
    """Return the store as it was when that share of its lines had happened."""
    earlier = temporal_split(store.interactions, later_share=1 - day_share).earlier
    return replace(store, interactions=earlier)


def bench_of(store: Dataset) -> Workbench:
    part = training_part(store, store.interactions)
    return Workbench(part, CONTEXT, lambda _done, _of: None)


def trained(store: Dataset, recipe: Recipe = RECIPE) -> TrainedModel:
    bench = bench_of(store)
    return TrainedModel(
        recipe=recipe,
        report=NO_REPORT,
        gate=GateDecision(promote=True, reason=""),
        tables=model_tables(store, bench.part, recipe, bench.blend(recipe)),
        taste=bench.states[recipe.lightfm] if recipe.lightfm else None,
    )


def base_from(store: Dataset, recipe: Recipe = RECIPE) -> BaseModel:
    bench = bench_of(store)
    return BaseModel(recipe, base_of(bench, recipe, bench.blend(recipe)), NO_REPORT)


def update(store: Dataset, base: BaseModel) -> TrainedModel | None:
    return update_model(
        dataset=store, base=base, threads=1, report_progress=lambda _stage, _share: None
    )


def write(model: TrainedModel, folder: Path) -> Path:
    place = folder / "7" / "V1"
    write_artifact(
        folder=place,
        model=model,
        environment_id=7,
        version="V1",
        change_seq=1,
        created_at=datetime(2026, 1, 2, tzinfo=UTC),
    )
    return place


def taste_of(model: TrainedModel) -> VectorPart:
    part = next(part for part in model.tables.blend.parts if part.name == "taste")
    assert isinstance(part, VectorPart)
    return part


def test_an_update_learns_new_events_and_keeps_what_was_known(birch_store: Dataset) -> None:
    known = up_to(birch_store, 0.8)
    base = base_from(known)
    model = update(birch_store, base)
    assert model is not None
    assert model.gate.promote
    assert "Brought up to date" in model.gate.reason
    assert model.report.counts["events"] == len(birch_store.interactions)
    before = base.blend.parts["taste"]
    assert isinstance(before, VectorPart)
    after = taste_of(model).vectors
    moved = np.linalg.norm(after - before.vectors) / np.linalg.norm(before.vectors)
    assert 0 < moved < 1


def test_only_what_came_after_the_base_is_new(birch_store: Dataset) -> None:
    known = up_to(birch_store, 0.8)
    base = base_from(known)
    part = training_part(birch_store, birch_store.interactions)
    pairs = new_pairs(part, base.blend)
    assert 0 < len(pairs) < 0.3 * len(part.pairs)
    assert pairs.seconds.min() > known.interactions.seconds.max()


def test_without_new_events_there_is_nothing_to_do(birch_store: Dataset) -> None:
    assert update(birch_store, base_from(birch_store)) is None


def test_the_same_base_and_data_give_the_same_bytes(birch_store: Dataset, tmp_path: Path) -> None:
    known = up_to(birch_store, 0.8)
    files = []
    for name in ("a", "b"):
        folder = write(trained(known), tmp_path / name)
        model = update(birch_store, read_base_model(folder))
        assert model is not None
        manifest = (write(model, tmp_path / f"{name}2") / "manifest.json").read_text()
        files.append(json.loads(manifest)["files"])
    assert files[0] == files[1]
    assert set(files[0]["state.arrays"]["arrays"]) == {
        "embeddings",
        "embedding_gradients",
        "biases",
        "bias_gradients",
        "user_scale",
    }


def test_serving_opens_a_model_without_its_state(birch_store: Dataset, tmp_path: Path) -> None:
    folder = write(trained(birch_store), tmp_path)
    (folder / "state.arrays").unlink()
    assert open_artifact(folder, verify=True).n_items == len(birch_store.items)
    with pytest.raises(ArtifactRefused, match="cannot be read"):
        read_base_model(folder)


def test_a_state_that_was_altered_is_refused(birch_store: Dataset, tmp_path: Path) -> None:
    folder = write(trained(birch_store), tmp_path)
    content = bytearray((folder / "state.arrays").read_bytes())
    content[-1] ^= 1
    (folder / "state.arrays").write_bytes(content)
    with pytest.raises(ArtifactRefused):
        read_base_model(folder)


def test_rows_follow_their_ids_into_a_catalogue_ten_times_as_large(birch_store: Dataset) -> None:
    known = up_to(birch_store, 0.8)
    base = base_from(known)
    extra = [
        CatalogueItem(f"new/{row}", "Garden thing", categories=("Home > Garden",))
        for row in range(9 * len(known.items))
    ]
    # The old items stand behind the new ones, the first of them is gone.
    lines = birch_store.interactions
    lines = lines.take(lines.item_index > 0)
    shifted = replace(lines, item_index=(lines.item_index + len(extra) - 1).astype(np.int32))
    grown = replace(birch_store, items=[*extra, *birch_store.items[1:]], interactions=shifted)
    bench = bench_of(grown)
    carried = updated_blend(bench, RECIPE, base.blend, epochs=0)
    taste = next(part for part in carried.blend.parts if part.name == "taste")
    assert isinstance(taste, VectorPart)
    assert taste.vectors.shape[0] == len(grown.items)
    before = base.blend.taste
    assert before is not None
    assert carried.taste is not None
    for values in ("biases", "embeddings", "embedding_gradients", "bias_gradients"):
        moved, was = getattr(carried.taste, values), getattr(before, values)
        assert np.array_equal(moved[len(extra)], was[1])
    assert (carried.taste.embedding_gradients[0] == 1).all()
    # A new item knows its features and nothing of itself.
    assert not carried.taste.embeddings[0].any()
    assert taste.vectors[0].any()
    assert update(grown, base) is not None


def test_what_is_too_dear_is_carried_by_id(
    birch_store: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = up_to(birch_store, 0.8)
    base = base_from(known)
    monkeypatch.setattr("engine.core.warm_start._REFIT_SECONDS", 0.0)
    whole = replace(birch_store, items=[*birch_store.items, CatalogueItem("late", "Garden thing")])
    bench = bench_of(whole)
    assert RECIPE.ease not in refitted_settings(RECIPE, bench.part)
    assert RECIPE.popularity in refitted_settings(RECIPE, bench.part)
    parts = {
        part.name: part for part in updated_blend(bench, RECIPE, base.blend, epochs=0).blend.parts
    }
    ease, old = parts["ease"], base.blend.parts["ease"]
    assert isinstance(ease, NeighbourPart)
    assert isinstance(old, NeighbourPart)
    for row in (0, 17):
        assert [values.tolist() for values in ease.neighbours(row)] == [
            values.tolist() for values in old.neighbours(row)
        ]
    assert not len(ease.neighbours(len(birch_store.items))[0])
    factors, before = parts["factors"], base.blend.parts["factors"]
    assert isinstance(factors, VectorPart)
    assert isinstance(before, VectorPart)
    assert np.array_equal(factors.vectors[:-1], before.vectors)


def test_what_weighs_most_is_refitted_first(
    birch_store: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = training_part(birch_store, birch_store.interactions)
    # (120 items / 3,500)^3 = 0.00004 s for EASE, the same for item-kNN would be too much.
    monkeypatch.setattr("engine.core.warm_start._REFIT_SECONDS", 0.00005)
    assert RECIPE.ease in refitted_settings(RECIPE, part)
    assert RECIPE.item_knn not in refitted_settings(RECIPE, part)


def test_who_has_gone_since_is_not_in_the_updated_model(birch_store: Dataset) -> None:
    base = base_from(up_to(birch_store, 0.8))
    lines = birch_store.interactions
    erased = birch_store.user_keys[0]
    kept = lines.take(lines.user_index > 0)
    without = replace(
        birch_store,
        user_keys=birch_store.user_keys[1:],
        interactions=replace(kept, user_index=kept.user_index - 1),
    )
    model = update(without, base)
    assert model is not None
    assert erased not in model.tables.user_keys


def test_numbers_that_ran_off_are_refused(birch_store: Dataset) -> None:
    base = base_from(up_to(birch_store, 0.8))
    state = base.blend.taste
    assert state is not None
    broken = replace(state, embeddings=np.full_like(state.embeddings, np.nan))
    with pytest.raises(ValueError, match="finite"):
        update(birch_store, replace(base, blend=replace(base.blend, taste=broken)))


def test_a_broken_part_keeps_the_model_from_going_live(
    birch_store: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = base_from(up_to(birch_store, 0.8))
    monkeypatch.setattr("engine.core.warm_start._REFIT_SECONDS", 0.0)
    ease = base.blend.parts["ease"]
    assert isinstance(ease, NeighbourPart)
    data = ease.data.copy()
    data[0] = np.nan
    parts = {**base.blend.parts, "ease": replace(ease, data=data)}
    model = update(birch_store, replace(base, blend=replace(base.blend, parts=parts)))
    assert model is not None
    assert not model.gate.promote
    assert "invalid numbers" in model.gate.reason


def test_a_recipe_without_lightfm_is_updated_by_refitting_alone(birch_store: Dataset) -> None:
    plain = replace(RECIPE, lightfm=None, update=UpdateSettings(epochs=0))
    model = update(birch_store, base_from(up_to(birch_store, 0.8), plain))
    assert model is not None
    assert model.taste is None
    assert model.gate.promote


def seasonal_store(*, users: int, interactions_of: Callable[..., Interactions]) -> Dataset:
    """Everybody turns to what is in season; the season moves over the shelves."""
    draw = np.random.default_rng(4)
    lines = [
        (user, int(day * 0.8 + draw.integers(20)), 1.0, float(day), False)
        for user in range(users)
        for day in np.sort(draw.random(10) * 100)
    ]
    return Dataset(
        user_keys=[f"u:{user}" for user in range(users)],
        items=[CatalogueItem(f"sku-{row}", f"Thing {row}") for row in range(100)],
        interactions=interactions_of(lines),
    )


def choice_for(store: Dataset) -> UpdateSettings | None:
    cut = temporal_split(store.interactions, later_share=0.15)
    bench = bench_of(replace(store, interactions=cut.earlier))
    return choose_update(store, bench, cut.later, RECIPE)


def test_a_store_that_moves_with_the_season_is_kept_up_to_date(
    interactions_of: Callable[..., Interactions],
) -> None:
    assert choice_for(seasonal_store(users=400, interactions_of=interactions_of)) is not None


def test_a_store_whose_newest_events_mislead_is_left_alone(acorn_store: Dataset) -> None:
    lines = acorn_store.interactions
    window = temporal_split(lines, later_share=0.15).later.seconds
    # In the older half of the window is a sale of five things, which nobody wants after it.
    misleads = (lines.seconds >= window.min()) & (lines.seconds < np.quantile(window, 0.5))
    items = lines.item_index.copy()
    items[misleads] %= 5
    is_after = lines.seconds >= np.quantile(window, 0.5)
    items[is_after] = np.maximum(items[is_after], 5)
    misled = replace(acorn_store, interactions=replace(lines, item_index=items))
    assert choice_for(misled) is None


def test_too_few_shoppers_prove_nothing(interactions_of: Callable[..., Interactions]) -> None:
    assert choice_for(seasonal_store(users=60, interactions_of=interactions_of)) is None


def test_lines_of_one_instant_prove_nothing(
    interactions_of: Callable[..., Interactions],
) -> None:
    store = seasonal_store(users=400, interactions_of=interactions_of)
    instant = replace(
        store,
        interactions=replace(
            store.interactions,
            seconds=np.full(len(store.interactions), 20_000 * DAY_SECONDS, dtype=np.int64),
        ),
    )
    bench = bench_of(instant)
    assert choose_update(instant, bench, instant.interactions, RECIPE) is None


def test_a_training_keeps_in_its_recipe_whether_updates_help(
    acorn_store: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = replace(RECIPE, update=None)
    monkeypatch.setattr("engine.core.trainer.choose_recipe", lambda *_args, **_kwargs: chosen)
    for update in (UpdateSettings(epochs=5), None):
        monkeypatch.setattr("engine.core.trainer.choose_update", lambda *_args, it=update: it)
        model = train_model(
            dataset=acorn_store,
            champion=None,
            seconds_budget=1000,
            seed=3,
            threads=1,
            report_progress=lambda _stage, _share: None,
        )
        assert model.recipe == chosen
        assert model.recipe.update == update
        assert (model.taste is not None) == (update is not None)


@pytest.mark.parametrize("update", [UpdateSettings(epochs=5), None])
def test_without_time_to_find_out_the_champions_way_of_updates_stands(
    acorn_store: Dataset, update: UpdateSettings | None
) -> None:
    recipe = select_recipe(
        dataset=acorn_store,
        champion=replace(RECIPE, update=update),
        seconds_budget=0.01,
        seed=3,
        threads=1,
    )
    assert recipe.update == update
