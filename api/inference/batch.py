"""A page's boxes in one call: what all have in common, and each box's own request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from api.inference.decoding import decode_members, read_members
from api.inference.placements import Placements, with_defaults
from api.inference.requests import REQUEST_TYPES, BatchRequest, Request
from saas.lib.errors import InvalidParameter

# One shopper looks at the page.
_OF_THE_PAGE = ("user_id", "user_token", "anonymous_id", "session_id", "min_watermark")


@dataclass(frozen=True, slots=True)
class Batch:
    """The call, and the members that every box takes where it says nothing of its own."""

    asked: BatchRequest
    common: Mapping[str, Any]
    placements: Placements

    def request(self, box: int, *, exclude: Sequence[str]) -> tuple[str, Request]:
        """Return a box's type and request, with more items left out.

        Raises
        ------
        InvalidParameter, UnknownField
            The box is none; the error points from the box on.
        """
        own = self.asked.requests[box]
        operation = own.get("type") if isinstance(own, dict) else None
        if not isinstance(operation, str) or operation not in REQUEST_TYPES:
            raise InvalidParameter(
                f"Box {box} has no type that we know; known are {', '.join(REQUEST_TYPES)}.",
                pointer="/type",
            )
        for name in _OF_THE_PAGE:
            if name in own:
                raise InvalidParameter(
                    f"'{name}' is the same for the whole page; send it beside 'requests'.",
                    pointer=f"/{name}",
                )
        members = with_defaults({**self.common, **own}, self.placements)
        del members["type"]
        request = decode_members(members, asked=REQUEST_TYPES[operation])
        return operation, msgspec.structs.replace(request, exclude=[*request.exclude, *exclude])


def decode_batch(body: bytes, *, placements: Placements) -> Batch:
    """Return the call; its boxes take what nothing says from the defaults of their placements.

    Raises
    ------
    MalformedJson, UnknownField, InvalidParameter
        The body, or what its boxes have in common, is not such a call.
    """
    members = read_members(body)
    asked = decode_members(members, asked=BatchRequest)
    common = {name: each for name, each in members.items() if name not in ("requests", "distinct")}
    return Batch(asked, common, placements)
