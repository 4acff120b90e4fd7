"""What the calls for a place on a store's pages take where they say nothing themselves."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any

from msgspec import UNSET, Struct, UnsetType

from api.inference.decoding import decode, decode_members, read_members
from api.inference.filters import read_filter
from api.inference.requests import (
    MAX_PLACEMENT_CHARACTERS,
    REQUEST_TYPES,
    WAYS_OUT,
    Boosts,
    Cap,
    Collapse,
    Diversity,
    FilterExpression,
    Include,
    Limit,
    Request,
)
from saas.lib.errors import InvalidParameter, ShelfwiseError, pointer_step

# By name; members as a call has them.
Placements = Mapping[str, Mapping[str, Any]]


class PlacementDefaults(Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """The members that a placement may have defaults for; a call's own win."""

    limit: Limit | UnsetType = UNSET
    exclude_purchased: bool | UnsetType = UNSET
    filter: FilterExpression | UnsetType = UNSET
    boost: Boosts | UnsetType = UNSET
    diversity: Diversity | UnsetType = UNSET
    max_per_brand: Cap | UnsetType = UNSET
    max_per_category: Cap | UnsetType = UNSET
    collapse: Collapse | UnsetType = UNSET
    include: Include | UnsetType = UNSET


def decode_call(operation: str, body: bytes, *, placements: Placements) -> Request:
    """Return the request, with what it leaves out from its placement's defaults.

    Raises
    ------
    MalformedJson, UnknownField, InvalidParameter
        The body is not such a request; the error names the member and the way out.
    """
    request = decode(operation, body)
    if request.placement not in placements:
        return request
    members = with_defaults(read_members(body), placements)
    return decode_members(members, asked=REQUEST_TYPES[operation])


def with_defaults(members: dict[str, Any], placements: Placements) -> dict[str, Any]:
    """Return a call's members, with those that it leaves out from its placement's defaults."""
    name = members.get("placement")
    defaults = placements.get(name) if isinstance(name, str) else None
    return members if defaults is None else {**defaults, **members}


def check_placements(
    placements: Mapping[str, Mapping[str, Any] | None], *, unfilterable: Set[str]
) -> None:
    """Check what a store wants as defaults, before they are kept.

    Parameters
    ----------
    placements
        By name; None stands for their removal.
    unfilterable
        Attributes that the store keeps from filters.

    Raises
    ------
    InvalidParameter, UnknownField, InvalidFilter
        A call could not have such a member; the error points at it, from `/placements` on.
    """
    for name, members in placements.items():
        if not 1 <= len(name) <= MAX_PLACEMENT_CHARACTERS or "\0" in name:
            raise InvalidParameter(
                f"'placements' names {name[:60]!r}; a placement is {WAYS_OUT['placement']}, "
                "without NUL.",
                pointer="/placements",
            )
        try:
            _check(members or {}, unfilterable)
        except ShelfwiseError as error:
            raise error.within(f"/placements/{pointer_step(name)}") from None


def _check(members: Mapping[str, Any], unfilterable: Set[str]) -> None:
    defaults = decode_members(dict(members), asked=PlacementDefaults)
    if defaults.filter is not UNSET:
        read_filter(defaults.filter, pointer="/filter", unfilterable=unfilterable)
    for index, boost in enumerate(() if defaults.boost is UNSET else defaults.boost):
        read_filter(boost.filter, pointer=f"/boost/{index}/filter", unfilterable=unfilterable)
