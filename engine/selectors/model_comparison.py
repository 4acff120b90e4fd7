"""Compares two model versions on what shoppers have turned to since both were trained."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from django.db import connection

from engine.core.artifact import Artifact, open_artifact
from engine.core.comparison import Comparison, Sample, compare_models
from engine.core.dataset import EVENT_WEIGHTS
from engine.core.errors import ArtifactRefused
from engine.models.shopper import Shopper
from engine.models.training import ModelVersion
from saas.lib.config import config
from saas.lib.errors import Conflict, NotFound

# Found by the table's own key, however many there are.
_LINES_LOOKED_AT = 50_000
_FINDS = """
    SELECT CASE WHEN person.id IS NULL THEN 'a:' || visitor.external_id
        ELSE 'u:' || person.external_id END, item.item_id
    FROM (
        SELECT user_id, anonymous_id, item_ref_id, type, occurred_at
        FROM engine_event ORDER BY id DESC LIMIT %s
    ) AS newest
    JOIN engine_itemref AS ref ON ref.id = newest.item_ref_id
    JOIN engine_item AS item ON item.id = ref.item_id
    LEFT JOIN engine_shopper AS person ON person.id = newest.user_id
    LEFT JOIN engine_shopper AS visitor ON visitor.id = newest.anonymous_id
    WHERE newest.occurred_at > %s AND newest.type = ANY(%s)
        AND coalesce(person.kind, visitor.kind, 'erased') <> 'erased'
        AND coalesce(person.personalise, visitor.personalise)
"""


@dataclass(frozen=True, slots=True)
class ModelComparison:
    """How two versions differ on events after ``since``, which neither has read."""

    since: datetime
    found: Comparison


def model_comparison(*, environment_id: int, a: str, b: str) -> ModelComparison:
    """Compare two versions of an environment, inside `in_environment`.

    Raises
    ------
    NotFound
        The environment has no such version.
    Conflict
        A version's files are no longer there, or of a format that nothing reads any more.
    """
    first, second = (_opened(environment_id, version) for version in (a, b))
    since = datetime.fromtimestamp(max(_known_until(first), _known_until(second)), UTC)
    found = compare_models(first, second, finds=_finds(since), seed=environment_id)
    return ModelComparison(
        since=since, found=replace(found, samples=_of_who_is_known(found.samples))
    )


def _opened(environment_id: int, version: str) -> Artifact:
    if not ModelVersion.objects.filter(pk=version).exists():
        raise NotFound(f"There is no model version '{version}'; GET /v1/models lists them.")
    try:
        return open_artifact(config().artifacts / str(environment_id) / version, verify=False)
    except ArtifactRefused as error:
        raise Conflict(
            f"The files of model version '{version}' cannot be read any more; compare versions "
            "that are newer."
        ) from error


def _of_who_is_known(samples: Sequence[Sample]) -> list[Sample]:
    """Leave out the shoppers who were erased or have objected since the models were trained."""
    ids = [sample.user_key[2:] for sample in samples]
    known = Shopper.objects.filter(external_id__in=ids, personalise=True)
    keys = {f"{kind[0]}:{id_}" for kind, id_ in known.values_list("kind", "external_id")}
    return [sample for sample in samples if sample.user_key in keys]


def _known_until(artifact: Artifact) -> int:
    """Return the latest event that a model was trained on, robust or not."""
    return int(artifact.manifest["data_window"]["last"])


def _finds(since: datetime) -> dict[str, set[str]]:
    liking = [name for name, weight in EVENT_WEIGHTS.items() if weight > 0]
    finds: dict[str, set[str]] = defaultdict(set)
    with connection.cursor() as cursor:
        cursor.execute(_FINDS, [_LINES_LOOKED_AT, since, liking])
        for key, item_id in cursor:
            finds[key].add(item_id)
    return finds
