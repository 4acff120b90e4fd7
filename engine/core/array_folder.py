"""A folder of .npy arrays and its manifest's list of them: written whole, checked, mapped."""

from __future__ import annotations

import hashlib
import json
import math
import mmap
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.core.errors import ArtifactRefused

MANIFEST = "manifest.json"
# Of a .npy file of few dimensions; the numbers follow.
_HEAD_BYTES = 128

Manifest = dict[str, Any]
Arrays = Mapping[str, NDArray[np.generic]]


def write_array_folder(*, folder: Path, arrays: Arrays, manifest: Manifest) -> Manifest:
    """Write arrays and manifest to a folder that appears whole or not at all.

    Everything goes to a temporary folder beside, is flushed to the disk, then renamed.

    Returns
    -------
    dict
        The manifest with ``files``: name to ``{dtype, shape, bytes, sha256}``.

    Raises
    ------
    ArtifactRefused
        When the folder exists already: versions are immutable.
    """
    if folder.exists():
        raise ArtifactRefused(f"{folder} exists already; a version is written once.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        files = {name: _write_array(partial / f"{name}.npy", arrays[name]) for name in arrays}
        complete = {**manifest, "files": files}
        text = json.dumps(complete, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
        (partial / MANIFEST).write_text(text, encoding="utf-8")
        _flush(partial / MANIFEST)
        # mkdtemp's 0700 would hide the version from a serving process of another user.
        partial.chmod(0o755)
        _flush(partial)
        partial.rename(folder)
        _flush(folder.parent)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return complete


def read_manifest(folder: Path) -> Manifest:
    """Return the folder's manifest, or raise ArtifactRefused when there is no readable one."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ArtifactRefused(f"{folder / MANIFEST} cannot be read: {error}.") from error
    if not isinstance(manifest, dict):
        raise ArtifactRefused(f"{folder / MANIFEST} is not a manifest.")
    return manifest


def map_arrays(
    folder: Path, files: Mapping[str, Manifest], *, verify: bool
) -> dict[str, NDArray[Any]]:
    """Map arrays that a manifest lists, read-only.

    Parameters
    ----------
    files
        All of the manifest's ``files``, or those that are wanted.
    verify : bool
        Hash every file first. Length, dtype and shape are checked in any case.

    Raises
    ------
    ArtifactRefused
        When a file is missing, truncated or not what the manifest says.
    """
    return {
        name: _map_array(folder / f"{name}.npy", listed, verify=verify)
        for name, listed in files.items()
    }


def _write_array(path: Path, array: NDArray[np.generic]) -> dict[str, Any]:
    np.save(path, np.ascontiguousarray(array), allow_pickle=False)
    _flush(path)
    return {
        "dtype": array.dtype.str,
        "shape": list(array.shape),
        "bytes": path.stat().st_size,
        "sha256": _sha256(path),
    }


def _map_array(path: Path, listed: Mapping[str, Any], *, verify: bool) -> NDArray[Any]:
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size != listed["bytes"]:
                raise ArtifactRefused(f"{path} has another length than its manifest says.")
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError) as error:
        raise ArtifactRefused(f"{path} cannot be read: {error}.") from error
    if verify and hashlib.sha256(data).hexdigest() != listed["sha256"]:
        raise ArtifactRefused(f"{path} has another SHA-256 than its manifest says.")
    # The manifest says what the file's own head does: reading that takes most of an opening, and
    # numpy's class for maps ten times the memory.
    dtype, shape = np.dtype(listed["dtype"]), tuple(listed["shape"])
    if size != _HEAD_BYTES + math.prod(shape) * dtype.itemsize:
        raise ArtifactRefused(f"{path} has another dtype or shape than its manifest says.")
    return np.frombuffer(data, dtype, offset=_HEAD_BYTES).reshape(shape)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
