"""A folder of files of arrays and the manifest that lists both: written whole, checked, mapped."""

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
# A cache line, so that no vector begins in the middle of one.
_ALIGNMENT = 64

Manifest = dict[str, Any]
Arrays = Mapping[str, NDArray[np.generic]]


def write_array_folder(
    *, folder: Path, files: Mapping[str, Arrays], manifest: Manifest
) -> Manifest:
    """Write files of arrays and their manifest to a folder that appears whole or not at all.

    Everything goes to a temporary folder beside, is flushed to the disk, then renamed.

    Parameters
    ----------
    files
        What is opened together, by the file's name: its arrays by theirs.

    Returns
    -------
    dict
        The manifest with ``files``: name to ``{bytes, sha256, arrays}``, the arrays by name:
        ``{dtype, shape, offset}``.

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
        listed = {name: _write_arrays(partial / name, arrays) for name, arrays in files.items()}
        complete = {**manifest, "files": listed}
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


def map_arrays(path: Path, listed: Manifest, *, verify: bool) -> dict[str, NDArray[Any]]:
    """Map a file's arrays, read-only.

    Parameters
    ----------
    listed
        The file's own entry of the manifest's ``files``.
    verify : bool
        Hash the file first. Its length, and that each array lies within, are checked in any case.

    Raises
    ------
    ArtifactRefused
        When the file is missing, truncated or not what the manifest says.
    """
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_size != listed["bytes"]:
                raise ArtifactRefused(f"{path} has another length than its manifest says.")
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError) as error:
        raise ArtifactRefused(f"{path} cannot be read: {error}.") from error
    if verify and hashlib.sha256(data).hexdigest() != listed["sha256"]:
        raise ArtifactRefused(f"{path} has another SHA-256 than its manifest says.")
    return {name: _array(path, data, each) for name, each in listed["arrays"].items()}


def _array(path: Path, data: mmap.mmap, listed: Manifest) -> NDArray[Any]:
    dtype, shape, offset = np.dtype(listed["dtype"]), listed["shape"], listed["offset"]
    # numpy takes a negative offset for what lies before the file.
    if not 0 <= offset <= len(data) - math.prod(shape) * dtype.itemsize:
        raise ArtifactRefused(f"{path} is shorter than the arrays that its manifest lists.")
    return np.ndarray(shape, dtype, buffer=data, offset=offset)


def _write_arrays(path: Path, arrays: Arrays) -> Manifest:
    digest, end = hashlib.sha256(), 0
    listed: Manifest = {}
    with path.open("wb") as file:
        for name, array in arrays.items():
            offset = -(-end // _ALIGNMENT) * _ALIGNMENT
            content = bytes(offset - end) + np.ascontiguousarray(array).tobytes()
            digest.update(content)
            file.write(content)
            end += len(content)
            listed[name] = {
                "dtype": array.dtype.str,
                "shape": list(array.shape),
                "offset": offset,
            }
    _flush(path)
    return {"bytes": end, "sha256": digest.hexdigest(), "arrays": listed}


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
