"""What a page shows of an import beside what the API does, and how columns were named before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engine.models.imports import Import
from engine.selectors.imports import share_done

# A store has few ways to export; further back lie those that it has given up.
_LOOKED_AT = 20


@dataclass(frozen=True, slots=True)
class ImportDetails:
    """How the file is read, and how far.

    Attributes
    ----------
    mapping
        The file's columns by our fields.
    stage
        What is being done: `reading`, `applying` or `deleting`.
    share
        How much of the stage is done, 0 to 1.
    """

    mapping: Mapping[str, str]
    stage: str
    share: float


def import_details(import_id: str) -> ImportDetails:
    """Return the details of an import that is there, inside `in_environment`."""
    row = Import.objects.get(pk=import_id)
    return ImportDetails(mapping=row.mapping, stage=row.stage, share=share_done(row))


def newest_mapping(*, kind: str, columns: Sequence[str]) -> Mapping[str, str] | None:
    """Return the mapping of the last import with such columns; None where there was none."""
    rows = Import.objects.filter(kind=kind).exclude(mapping={}).order_by("-id")
    names = {column.strip() for column in columns}
    for mapping in rows.values_list("mapping", flat=True)[:_LOOKED_AT]:
        if {theirs.strip() for theirs in mapping.values()} <= names:
            return dict(mapping)
    return None
