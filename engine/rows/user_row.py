"""Reads one user as a store sends it, and decides what the row does to the user."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

from engine.rows.reading import Place, Reader, nearest, read_members
from engine.rows.values import BadValue, read_attributes, read_flag, read_id, read_time
from saas.lib.errors import FieldError

Outcome = Literal["created", "updated", "unchanged", "deleted", "stale"]

READERS: Mapping[str, Reader] = MappingProxyType(
    {
        "id": read_id,
        "attributes": read_attributes,
        "personalise": read_flag,
        "source_updated_at": read_time,
        "deleted": read_flag,
    }
)
_NEVER_NULL = {
    "id": "send the store's own id",
    "personalise": "send true or false",
    "deleted": "send true or leave it out",
}
DEFAULTS: Mapping[str, Any] = MappingProxyType(
    {"attributes": {}, "personalise": True, "source_updated_at": None}
)


@dataclass(frozen=True, slots=True)
class UserRow:
    """A readable row; `values` holds the members that it carries, None clears one."""

    id: str
    values: Mapping[str, Any]
    is_deletion: bool


@dataclass(frozen=True, slots=True)
class UserChange:
    """The decision: an outcome, and the user's members where they are to be written."""

    outcome: Outcome
    user: Mapping[str, Any] | None = None


def read_user_row(row: Any, place: Place) -> UserRow | list[FieldError]:
    """Return the row, or an error for each thing that is wrong with it."""
    if not isinstance(row, dict):
        return [place.error("", "invalid_type", 'is no object; send {"id": …}.')]
    reading = read_members(row, READERS)
    for name, advice in _NEVER_NULL.items():
        if name in reading.values and reading.values[name] is None:
            reading.bad.append((name, None, BadValue("invalid_type", advice)))
    errors = reading.errors(place) + [
        place.error(
            name,
            "unknown_field",
            f"has the unknown field '{name[:80]}'{nearest(name, READERS)}; "
            "extras belong inside attributes.",
        )
        for name in reading.unknown
    ]
    if "id" not in row:
        errors.append(place.error("id", "missing_field", "has no id; send the store's own id."))
    if errors:
        return errors
    values = reading.values
    return UserRow(id=values.pop("id"), is_deletion=values.pop("deleted", False), values=values)


def decide_user(*, stored: Mapping[str, Any] | None, row: UserRow) -> UserChange:
    """Return what a row does to a user as stored (None: never seen); a row always merges.

    A deleted user who is written again starts anew, but keeps an objection: it was the shopper's
    word, and only another word takes it back.
    """
    sent = row.values.get("source_updated_at")
    known = stored["source_updated_at"] if stored is not None else None
    if sent is not None and known is not None and sent < known:
        return UserChange("stale")
    lives = stored is not None and stored["deleted_at"] is None
    before = dict(DEFAULTS) if stored is None else {name: stored[name] for name in DEFAULTS}
    if row.is_deletion:
        if not lives:
            return UserChange("unchanged")
        return UserChange("deleted", {**before, "attributes": {}})
    after = dict(before)
    for name, value in row.values.items():
        after[name] = DEFAULTS[name] if value is None else value
    if row.values.get("attributes") is not None:
        after["attributes"] = {
            name: value
            for name, value in {**before["attributes"], **row.values["attributes"]}.items()
            if value is not None
        }
    if not lives:
        return UserChange("created", after)
    return UserChange("updated", after) if after != before else UserChange("unchanged")
