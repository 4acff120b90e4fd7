"""Opens model versions from the artifact folder, and remembers which ones it refused."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path

import structlog
from msgspec import DecodeError

from api.inference import metrics
from engine.core.artifact import SERVING, Artifact, open_artifact
from engine.core.errors import ArtifactRefused
from saas.lib.erasures import Erasure, read_erasures

# A version may be announced before its files reach this host, so a refusal is not for ever.
RETRY_SECONDS = 4.0

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Model:
    """An open model version, what it occupies, and what must not be served from it."""

    version: str
    artifact: Artifact
    size_bytes: int
    erasures: tuple[Erasure, ...] = ()


class ModelStore:
    """The artifact folder, `{environment_id}/{version}/`; every file is hashed before use."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._refused_at: dict[tuple[int, str], float] = {}

    def open(self, environment_id: int, version: str) -> Model | None:
        """Return the model, None where its files are not the ones that the row promises."""
        refused_at = self._refused_at.get((environment_id, version))
        if refused_at is not None and time.monotonic() - refused_at < RETRY_SECONDS:
            return None
        started = time.perf_counter()
        folder = self._folder / str(environment_id) / version
        try:
            # What a model says of itself would stay in memory as long as its arrays' addresses.
            artifact = replace(open_artifact(folder, verify=True), manifest={})
            erasures = tuple(read_erasures(folder.parent))
        except (ArtifactRefused, OSError, DecodeError) as error:
            self._refused_at[(environment_id, version)] = time.monotonic()
            metrics.MODELS_REFUSED.inc()
            _log.error(
                "model_rejected", environment=environment_id, version=version, reason=str(error)
            )
            return None
        self._refused_at.pop((environment_id, version), None)
        metrics.MODELS_OPENED.inc()
        _log.info(
            "model_loaded",
            environment=environment_id,
            version=version,
            seconds=round(time.perf_counter() - started, 4),
        )
        size = (folder / SERVING).stat().st_size
        return Model(version=version, artifact=artifact, size_bytes=size, erasures=erasures)
