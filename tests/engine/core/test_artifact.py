from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from engine.core import codes
from engine.core.artifact import Artifact, open_artifact, write_artifact
from engine.core.dataset import CatalogueItem, Dataset
from engine.core.errors import ArtifactRefused
from engine.core.parts import StaticPart, VectorPart
from engine.core.trained_model import TrainedModel
from tests.engine.scoring import listed, personal


@pytest.fixture
def copied(acorn_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(acorn_folder, tmp_path / "7" / "V1"))


def test_what_was_written_is_what_is_opened(
    acorn_model: TrainedModel, acorn_artifact: Artifact
) -> None:
    tables = acorn_model.tables
    assert (acorn_artifact.version, acorn_artifact.environment_id) == ("V1", 7)
    assert acorn_artifact.change_seq == 41
    assert acorn_artifact.trained_at == datetime(2026, 1, 2, tzinfo=UTC)
    assert acorn_artifact.n_items == len(tables.item_ids)
    assert acorn_artifact.n_users == len(tables.user_keys)
    assert acorn_artifact.popularity.tolist() == tables.popularity.tolist()
    assert acorn_artifact.newest_seconds == tables.newest_seconds
    for name, written in vars(tables.bought_together).items():
        assert getattr(acorn_artifact.bought_together, name).tolist() == written.tolist()
        assert len(written)


def test_items_and_users_are_found_both_ways(
    acorn_model: TrainedModel, acorn_artifact: Artifact
) -> None:
    for row, item_id in enumerate(acorn_model.tables.item_ids):
        assert acorn_artifact.item_row(item_id) == row
        assert acorn_artifact.item_id(row) == item_id
    assert acorn_artifact.item_row("nothing") is None


def test_a_users_history_and_purchases_come_by_key(
    acorn_store: Dataset, acorn_artifact: Artifact
) -> None:
    lines = acorn_store.interactions
    own = lines.user_index == 4
    key = "u:shopper 4"
    history = acorn_artifact.history(key)
    assert {row for row, _, _ in history} == set(lines.item_index[own].tolist())
    assert [seconds for _, _, seconds in history] == sorted(s for _, _, s in history)
    bought = np.unique(lines.item_index[own & lines.is_purchase])
    assert acorn_artifact.purchased(key).tolist() == bought.tolist()
    assert acorn_artifact.history("u:nobody") == []
    assert acorn_artifact.purchased("u:nobody").tolist() == []


def test_ranking_from_disk_equals_ranking_from_memory(
    acorn_model: TrainedModel, acorn_artifact: Artifact
) -> None:
    allowed = np.ones(acorn_artifact.n_items, dtype=np.bool_)
    history = [(3, 1.0, 4.0), (9, 5.0, 0.0)]
    on_disk = listed(personal(acorn_artifact, history=history), allowed=allowed, limit=10)
    in_memory = listed(personal(acorn_model.tables, history=history), allowed=allowed, limit=10)
    assert on_disk.rows.tolist() == in_memory.rows.tolist()
    assert on_disk.scores.tolist() == in_memory.scores.tolist()
    assert on_disk.reasons == in_memory.reasons


def test_the_manifest_tells_what_the_model_is(
    acorn_folder: Path, acorn_model: TrainedModel
) -> None:
    manifest = json.loads((acorn_folder / "manifest.json").read_text())
    assert manifest["recipe"] == acorn_model.recipe.to_dict()
    assert manifest["gate"] == vars(acorn_model.gate)
    assert set(manifest["baselines"]) == {"popular", "item_knn"}
    assert manifest["metrics"]["ndcg@10"] == vars(acorn_model.report.metrics["ndcg@10"])
    assert manifest["counts"]["events"] == 3600
    assert manifest["libraries"]["lightfm-next"] == "1.19.0"
    serving = manifest["files"]["serving.arrays"]
    assert set(serving) == {"bytes", "sha256", "arrays"}
    assert set(serving["arrays"]["popularity"]) == {"dtype", "shape", "offset"}


def test_the_folder_holds_one_file_for_serving_and_a_manifest(acorn_folder: Path) -> None:
    assert {path.name for path in acorn_folder.iterdir()} == {"manifest.json", "serving.arrays"}
    assert not list(acorn_folder.parent.glob(".V1*"))


def test_a_changed_byte_is_refused_when_verified(copied: Path) -> None:
    path = copied / "serving.arrays"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(ArtifactRefused, match=r"serving\.arrays has another SHA-256"):
        open_artifact(copied, verify=True)


def test_a_truncated_or_missing_file_is_refused_always(copied: Path) -> None:
    path = copied / "serving.arrays"
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(ArtifactRefused, match="another length"):
        open_artifact(copied, verify=False)
    path.unlink()
    with pytest.raises(ArtifactRefused, match="cannot be read"):
        open_artifact(copied, verify=False)


@pytest.mark.parametrize("place", ["8/V1", "7/V2"])
def test_another_environments_or_versions_artifact_is_refused(
    acorn_folder: Path, tmp_path: Path, place: str
) -> None:
    foreign = Path(shutil.copytree(acorn_folder, tmp_path / place))
    with pytest.raises(ArtifactRefused, match="holds the model 7/V1"):
        open_artifact(foreign, verify=False)


@pytest.mark.parametrize("wrong", [{"shape": [10**6]}, {"offset": -4}, {"dtype": "<U999999"}])
def test_an_array_beyond_its_file_is_refused(copied: Path, wrong: dict[str, object]) -> None:
    manifest = json.loads((copied / "manifest.json").read_text())
    manifest["files"]["serving.arrays"]["arrays"]["popularity"] |= wrong
    (copied / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ArtifactRefused, match="shorter than the arrays"):
        open_artifact(copied, verify=False)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 3}', '{"format": 2}'])
def test_a_strange_manifest_is_refused(copied: Path, text: str) -> None:
    (copied / "manifest.json").write_text(text)
    with pytest.raises(ArtifactRefused):
        open_artifact(copied, verify=False)


def test_a_version_is_written_once_and_in_its_place(
    acorn_folder: Path, acorn_model: TrainedModel
) -> None:
    when = datetime(2026, 1, 2, tzinfo=UTC)
    with pytest.raises(ArtifactRefused, match="exists already"):
        write_artifact(
            folder=acorn_folder,
            model=acorn_model,
            environment_id=7,
            version="V1",
            change_seq=1,
            created_at=when,
        )
    with pytest.raises(ValueError, match="not the place"):
        write_artifact(
            folder=acorn_folder,
            model=acorn_model,
            environment_id=8,
            version="V1",
            change_seq=1,
            created_at=when,
        )


def test_a_failed_write_leaves_nothing_behind(
    acorn_model: TrainedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full_disk(*args: object, **kwargs: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full_disk)
    with pytest.raises(OSError, match="No space"):
        write_artifact(
            folder=tmp_path / "7" / "V9",
            model=acorn_model,
            environment_id=7,
            version="V9",
            change_seq=1,
            created_at=datetime(2026, 1, 2, tzinfo=UTC),
        )
    assert not list((tmp_path / "7").iterdir())


def test_an_item_that_came_later_gets_a_vector_near_its_kind(acorn_artifact: Artifact) -> None:
    new = CatalogueItem("g/99", "Garden thing", ("Home > Garden",), "Brand 1", 3.0)
    vectors = acorn_artifact.vectors_of_new_items([new, CatalogueItem("?", "Qwertz")])
    assert vectors is not None
    part = acorn_artifact.new_item_part
    assert part is not None
    assert part.name == "factors"
    affinity = part.vectors @ vectors[0]
    assert affinity[:20].mean() > affinity[20:].mean()
    assert not vectors[1].any()


def test_codes_of_a_large_catalogue_are_written_where_they_rank_as_well(
    acorn_model: TrainedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(codes, "LEAST_ITEMS", 1)
    vectors = [part for part in acorn_model.tables.blend.parts if isinstance(part, VectorPart)]
    written = rewritten(acorn_model, tmp_path / "passed" / "7" / "V1")
    assert vectors
    for part in vectors:
        (found,) = (each for each in written.blend.parts if each.name == part.name)
        assert isinstance(found, VectorPart)
        assert found.codes is not None
        # Half a step off at most, of 127 to the column's largest value.
        error = np.abs(found.codes / 127 * found.reach - part.vectors)
        assert (error <= found.reach / 253).all()
        assert written.manifest["int8"][part.name] == {"recall@20": 1.0, "passed": True}

    monkeypatch.setattr(codes, "LEAST_RECALL", 1.1)
    refused = rewritten(acorn_model, tmp_path / "refused" / "7" / "V1")
    assert all(getattr(each, "codes", None) is None for each in refused.blend.parts)
    assert not any(each["passed"] for each in refused.manifest["int8"].values())


def test_a_small_catalogue_has_no_codes(acorn_artifact: Artifact) -> None:
    assert acorn_artifact.manifest["int8"] == {}
    assert not acorn_artifact.is_slow_to_scan


def test_parts_that_do_not_fit_together_are_refused(
    acorn_model: TrainedModel, tmp_path: Path
) -> None:
    blend = acorn_model.tables.blend
    short = StaticPart(name="popular", scores=np.ones(3, np.float32))
    others = tuple(part for part in blend.parts if part.name != "popular")
    tables = replace(
        acorn_model.tables,
        blend=replace(blend, parts=(*others, short), weights={**blend.weights, "popular": 1.0}),
    )
    model = replace(
        acorn_model,
        tables=tables,
        recipe=replace(acorn_model.recipe, weights=tables.blend.weights),
    )
    with pytest.raises(ArtifactRefused, match="does not fit together"):
        rewritten(model, tmp_path / "7" / "V1")


def rewritten(model: TrainedModel, folder: Path) -> Artifact:
    write_artifact(
        folder=folder,
        model=model,
        environment_id=7,
        version="V1",
        change_seq=1,
        created_at=datetime(2026, 1, 2, tzinfo=UTC),
    )
    return open_artifact(folder, verify=True)
