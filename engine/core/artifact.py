"""Model versions on disk: immutable folders of arrays beside a manifest, opened by mmap."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import MISSING, asdict, dataclass, fields
from datetime import datetime
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.core.array_folder import (
    Manifest,
    map_arrays,
    read_manifest,
    write_array_folder,
)
from engine.core.blend import Blend
from engine.core.co_purchases import CoPurchases
from engine.core.codes import coded_parts
from engine.core.dataset import CatalogueItem
from engine.core.errors import ArtifactRefused
from engine.core.features import FeatureSpace
from engine.core.histories import UserHistories, UserRows
from engine.core.parts import NeighbourPart, Part, StaticPart, VectorPart
from engine.core.string_table import StringTable, string_table
from engine.core.trained_model import TrainedModel

FORMAT = 3
_LIBRARIES = ("numpy", "scipy", "lightfm-next")
# Their float32 vectors take 2 ms to read; what is not learnt for a shopper takes longer.
SLOW_ITEMS = 200_000
# What serving maps, as one file: a process holds a thousand models open, each with 30 arrays.
SERVING = "serving.arrays"
# What an update goes on from; serving never opens it.
STATE = "state.arrays"
_STRING_FIELDS = ("blob", "offsets", "hashes", "rows")
_PART_KINDS: dict[str, type[StaticPart | VectorPart | NeighbourPart]] = {
    "static": StaticPart,
    "vectors": VectorPart,
    "neighbours": NeighbourPart,
}


@dataclass(frozen=True)
class Artifact:
    """An opened model version; its arrays are read-only maps of the files.

    Attributes
    ----------
    version : str
    environment_id : int
    change_seq : int
        The catalogue's change_seq that the training read.
    trained_at : datetime
        With offset.
    newest_seconds : int
        The robust newest event time; windows and ages count back from it.
    history_half_life_days : float or None
    manifest : dict
        Of its ``files`` those alone that are not opened here.
    blend : Blend
    popularity : float32[n_items]
        Zero for items nobody turned to.
    bought_together : CoPurchases
    item_ids, user_keys : StringTable
        Rows both ways; ``user_keys`` holds ``u:<user_id>`` and ``a:<anonymous_id>``.
    histories : UserHistories
    purchases : UserRows
    """

    version: str
    environment_id: int
    change_seq: int
    trained_at: datetime
    newest_seconds: int
    history_half_life_days: float | None
    manifest: Manifest
    blend: Blend
    popularity: NDArray[np.float32]
    bought_together: CoPurchases
    item_ids: StringTable
    user_keys: StringTable
    histories: UserHistories
    purchases: UserRows
    feature_names: StringTable
    feature_idf: NDArray[np.float32]
    price_edges: NDArray[np.float64]

    @property
    def n_items(self) -> int:
        """Size of the catalogue at training."""
        return len(self.item_ids)

    @property
    def is_slow_to_scan(self) -> bool:
        """Whether ranking for a shopper takes about 2 ms or longer."""
        return self.n_items >= SLOW_ITEMS

    @property
    def n_users(self) -> int:
        """Users with a profile."""
        return len(self.user_keys)

    def item_row(self, item_id: str) -> int | None:
        """Return the item's row, None when the artifact doesn't know it."""
        return self.item_ids.find(item_id)

    def item_id(self, row: int) -> str:
        """Return the id of an item's row."""
        return self.item_ids[row]

    def history(self, user_key: str) -> list[tuple[int, float, int]]:
        """Return the user's last ≤ 50 items as (row, weight, seconds), oldest first, or []."""
        user = self.user_keys.find(user_key)
        if user is None:
            return []
        span = slice(self.histories.indptr[user], self.histories.indptr[user + 1])
        columns = (self.histories.rows, self.histories.weights, self.histories.seconds)
        return list(zip(*(column[span].tolist() for column in columns), strict=True))

    def purchased(self, user_key: str) -> NDArray[np.int32]:
        """Return the rows of all items the user has bought, ascending; empty when unknown."""
        user = self.user_keys.find(user_key)
        return np.zeros(0, np.int32) if user is None else self.purchases.of(user)

    def feature_space(self) -> FeatureSpace:
        """Return the vocabulary that describes items which came after the training.

        Builds a Python dict of at most 5,000 names; keep it if many items come.
        """
        names = [self.feature_names[row] for row in range(len(self.feature_names))]
        return FeatureSpace(
            vocabulary={name: column for column, name in enumerate(names)},
            idf=self.feature_idf,
            price_edges=self.price_edges,
        )

    @property
    def new_item_part(self) -> VectorPart | None:
        """The part that knows most of items from their features alone, None without vectors."""
        parts = {part.name: part for part in self.blend.parts if isinstance(part, VectorPart)}
        return parts.get("factors") or next(iter(parts.values()), None)

    def vectors_of_new_items(self, items: Iterable[CatalogueItem]) -> NDArray[np.float32] | None:
        """Return float32[n, k]: vectors from features alone, None without a vector part.

        Comparable with the rows of `new_item_part`: an item without a known feature is zeros.
        """
        part = self.new_item_part
        if part is None:
            return None
        features = self.feature_space().transform(list(items))
        return np.asarray(features @ part.feature_vectors, dtype=np.float32)


def write_artifact(
    *,
    folder: Path,
    model: TrainedModel,
    environment_id: int,
    version: str,
    change_seq: int,
    created_at: datetime,
) -> Manifest:
    """Write the model to ``folder`` (``…/<environment_id>/<version>``) whole or not at all.

    Parameters
    ----------
    folder : Path
        The version's own folder; its name must be the version, its parent's the environment.
    model : TrainedModel
    environment_id : int
    version : str
    change_seq : int
        Of the catalogue as the dataset was read.
    created_at : datetime
        With offset.

    Returns
    -------
    dict
        The manifest as written.

    Raises
    ------
    ArtifactRefused
        When the folder exists already.
    ValueError
        When the folder is not named for the environment and the version.
    """
    if (folder.parent.name, folder.name) != (str(environment_id), version):
        raise ValueError(f"{folder} is not the place of {environment_id}/{version}.")
    tables = model.tables
    parts, checks = coded_parts(tables, seed=model.recipe.seed)
    manifest: Manifest = {
        "format": FORMAT,
        "version": version,
        "environment_id": environment_id,
        "change_seq": change_seq,
        "created_at": created_at.isoformat(),
        "libraries": {name: installed_version(name) for name in _LIBRARIES},
        "newest_seconds": tables.newest_seconds,
        "history_half_life_days": tables.history_half_life_days,
        "parts": [{"name": part.name, "kind": _kind(part)} for part in parts],
        "int8": checks,
        "recipe": model.recipe.to_dict(),
        "gate": asdict(model.gate),
        **asdict(model.report),
    }
    files = {SERVING: _arrays(model, parts)}
    if model.taste is not None:
        files[STATE] = dict(_written(model.taste))
    return write_array_folder(folder=folder, files=files, manifest=manifest)


def open_artifact(folder: Path, *, verify: bool) -> Artifact:
    """Map an artifact's arrays.

    Parameters
    ----------
    folder : Path
        ``…/<environment_id>/<version>``.
    verify : bool
        Hash every file first, as after a download; lengths and shapes are checked always.

    Raises
    ------
    ArtifactRefused
        When a file is missing, truncated or altered, the format is another's, or the folder
        belongs to another environment or version than its path says.
    """
    manifest = read_manifest(folder)
    if manifest.get("format") != FORMAT:
        raise ArtifactRefused(
            f"{folder} has format {manifest.get('format')!r}; this version reads {FORMAT}."
        )
    try:
        owner = (str(manifest["environment_id"]), manifest["version"])
        if owner != (folder.parent.name, folder.name):
            raise ArtifactRefused(f"{folder} holds the model {'/'.join(owner)}, not its own.")
        # Most of a manifest; it would stay in memory as long as the model.
        listed = manifest["files"].pop(SERVING)
        artifact = _artifact(manifest, map_arrays(folder / SERVING, listed, verify=verify))
        # Laid out before the first call, which also finds parts of different sizes.
        _ = artifact.blend.compiled
    except (KeyError, TypeError) as error:
        raise ArtifactRefused(f"{folder} has a manifest without {error}.") from error
    except ValueError as error:
        raise ArtifactRefused(f"{folder} holds what does not fit together: {error}") from error
    return artifact


def _artifact(manifest: Manifest, arrays: Mapping[str, NDArray[Any]]) -> Artifact:
    return Artifact(
        version=manifest["version"],
        environment_id=manifest["environment_id"],
        change_seq=manifest["change_seq"],
        trained_at=datetime.fromisoformat(manifest["created_at"]),
        newest_seconds=manifest["newest_seconds"],
        history_half_life_days=manifest["history_half_life_days"],
        manifest=manifest,
        blend=Blend(
            parts=tuple(_part(listed, arrays) for listed in manifest["parts"]),
            weights=manifest["recipe"]["weights"],
            type_weights=manifest["recipe"].get("type_weights", {}),
        ),
        popularity=arrays["popularity"],
        bought_together=CoPurchases(
            **_fields("bought_together", ("product_of", "indptr", "indices", "data"), arrays)
        ),
        item_ids=StringTable(**_fields("item_ids", _STRING_FIELDS, arrays)),
        user_keys=StringTable(**_fields("user_keys", _STRING_FIELDS, arrays)),
        histories=UserHistories(
            **_fields("histories", ("indptr", "rows", "weights", "seconds"), arrays)
        ),
        purchases=UserRows(**_fields("purchases", ("indptr", "rows"), arrays)),
        feature_names=StringTable(**_fields("feature_names", _STRING_FIELDS, arrays)),
        feature_idf=arrays["feature_idf"],
        price_edges=arrays["price_edges"],
    )


def _arrays(model: TrainedModel, parts: Iterable[Part]) -> dict[str, NDArray[np.generic]]:
    tables = model.tables
    space = tables.feature_space
    groups = {
        "item_ids": string_table(tables.item_ids),
        "user_keys": string_table(tables.user_keys),
        "feature_names": string_table(list(space.vocabulary)),
        "histories": tables.histories,
        "purchases": tables.purchased,
        "bought_together": tables.bought_together,
        **{f"part.{part.name}": part for part in parts},
    }
    arrays: dict[str, NDArray[np.generic]] = {
        f"{group}.{name}": array
        for group, owner in groups.items()
        for name, array in _written(owner)
    }
    return {
        **arrays,
        "popularity": tables.popularity,
        "feature_idf": space.idf,
        "price_edges": space.price_edges,
    }


def _written(owner: Any) -> Iterable[tuple[str, NDArray[np.generic]]]:
    for each in fields(owner):
        array = getattr(owner, each.name)
        if isinstance(array, np.ndarray):
            yield each.name, array


def _kind(part: Part) -> str:
    return next(kind for kind, cls in _PART_KINDS.items() if isinstance(part, cls))


def _part(listed: Mapping[str, str], arrays: Mapping[str, NDArray[Any]]) -> Part:
    cls = _PART_KINDS[listed["kind"]]
    group = f"part.{listed['name']}"
    # Codes are there where they passed their check.
    names = [
        field.name
        for field in fields(cls)
        if field.name != "name" and (field.default is MISSING or f"{group}.{field.name}" in arrays)
    ]
    part: Part = cls(name=listed["name"], **_fields(group, names, arrays))
    return part


def _fields(
    group: str, names: Iterable[str], arrays: Mapping[str, NDArray[Any]]
) -> dict[str, NDArray[Any]]:
    return {name: arrays[f"{group}.{name}"] for name in names}
