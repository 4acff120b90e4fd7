"""Attributes of items: those that the store has declared, and those that its items have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, cast

from django.db import connection

from engine.models.attribute import Attribute
from engine.rows.item_attributes import AttributeType
from engine.selectors.catalogue_sample import SAMPLE, sampled_percent
from saas.lib.errors import NotFound

# More names than any filter or page needs; a feed that makes up names does not fill the memory.
MOST_SEEN = 1_000
_SEEN = f"""
    SELECT name, kind, count(*)
    FROM (
        SELECT each.key AS name, jsonb_typeof(each.value) AS kind
        FROM {SAMPLE}, jsonb_each(attributes) AS each
        WHERE deleted_at IS NULL
    ) AS seen
    GROUP BY name, kind
    ORDER BY count(*) DESC, name, kind
    LIMIT {MOST_SEEN}
"""  # noqa: S608  # made of constants
_TYPES: Mapping[str, AttributeType] = {
    "string": "string",
    "number": "number",
    "boolean": "boolean",
    "array": "list",
}


@dataclass(frozen=True, slots=True)
class AttributeState:
    """An attribute, declared or as its values look."""

    name: str
    type: AttributeType
    filterable: bool = True
    learn: bool = True
    public: bool = False
    is_declared: bool = False


def declared_types() -> dict[str, AttributeType]:
    """Return the types that values are held to."""
    rows = Attribute.objects.values_list("name", "type")
    return {name: cast(AttributeType, type_) for name, type_ in rows}


def unfilterable_attributes() -> frozenset[str]:
    """Return the attributes that no filter may name."""
    return frozenset(Attribute.objects.filter(filterable=False).values_list("name", flat=True))


def attributes() -> list[AttributeState]:
    """Return the declared attributes and the others of a look at the catalogue, by name."""
    states = {name: AttributeState(name, type_) for name, type_ in _inferred_types().items()}
    states |= {row.name: _declared(row) for row in Attribute.objects.all()}
    return sorted(states.values(), key=lambda state: state.name)


def attribute(name: str) -> AttributeState:
    """Return one attribute.

    Raises
    ------
    NotFound
        It is neither declared nor seen; names the nearest.
    """
    row = Attribute.objects.filter(pk=name).first()
    if row is not None:
        return _declared(row)
    types = _inferred_types()
    if name not in types:
        raise NotFound(
            f"No item has the attribute '{name}' and none is declared"
            f"{_hint(name, {*types, *declared_types()})}; PUT declares it."
        )
    return AttributeState(name, types[name])


def inferred_type(name: str) -> AttributeType | None:
    """Return the type that most values of an attribute have, None where no item has it."""
    return _inferred_types().get(name)


def seen_types(most_pages: int | None = None) -> dict[str, dict[AttributeType, int]]:
    """Return how many items of a look have a value of each type, by attribute, commonest first."""
    with connection.cursor() as cursor:
        cursor.execute(_SEEN, [sampled_percent(most_pages)])
        seen: dict[str, dict[AttributeType, int]] = {}
        for name, kind, count in cursor:
            if kind in _TYPES:
                seen.setdefault(name, {})[_TYPES[kind]] = count
    return seen


def _inferred_types() -> dict[str, AttributeType]:
    return {name: next(iter(types)) for name, types in seen_types().items()}


def _declared(row: Any) -> AttributeState:
    return AttributeState(
        name=row.name,
        type=cast(AttributeType, row.type),
        filterable=row.filterable,
        learn=row.learn,
        public=row.public,
        is_declared=True,
    )


def _hint(name: str, known: Iterable[str]) -> str:
    matches = get_close_matches(name, known, n=1)
    return f" (did you mean '{matches[0]}'?)" if matches else ""
