"""What `/v1/explain` takes: the members of a recommendation call, its type, and the item meant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, cast

import msgspec
from msgspec import Meta

from api.inference.decoding import decode_members, read_members
from api.inference.placements import Placements, with_defaults
from api.inference.requests import REQUEST_TYPES, Common, Request
from saas.lib.errors import InvalidParameter

# The explained item is called `item_id`; that of a call which has one is called so instead.
SEED = "similar_to"
MeantId = Annotated[
    str, Meta(min_length=1, max_length=256, description="The item to explain; may be a group.")
]
SeedId = Annotated[
    str, Meta(min_length=1, max_length=256, description="The 'item_id' of the call itself.")
]


@dataclass(frozen=True, slots=True)
class Question:
    """Which item is meant, in the answer to which call."""

    operation: str
    request: Request
    item_id: str


def _question_type(operation: str, asked: type[Common]) -> type[Common]:
    has_seed = "item_id" in asked.__struct_fields__
    fields: list[tuple[str, Any]] = [("item_id", MeantId)]
    if has_seed:
        fields.append((SEED, SeedId))
    question = msgspec.defstruct(
        f"Explain{asked.__name__}",
        fields,
        bases=(Common if has_seed else asked,),
        forbid_unknown_fields=True,
        kw_only=True,
        frozen=True,
        tag_field="type",
        tag=operation,
    )
    question.__doc__ = f"Why an item stands where it stands in the answer to a {operation} call."
    return cast(type[Common], question)


QUESTION_TYPES: dict[str, type[Common]] = {
    operation: _question_type(operation, asked) for operation, asked in REQUEST_TYPES.items()
}


def decode_question(body: bytes, *, placements: Placements) -> Question:
    """Return the question; the call that it is about takes its placement's defaults.

    Raises
    ------
    MalformedJson, UnknownField, InvalidParameter
        The body is none; the error names the member and the way out.
    """
    members = read_members(body)
    operation = members.get("type")
    if not isinstance(operation, str) or operation not in QUESTION_TYPES:
        raise InvalidParameter(
            f"'type' names no recommendation call; known are {', '.join(QUESTION_TYPES)}.",
            pointer="/type",
        )
    members = with_defaults(members, placements)
    question = msgspec.structs.asdict(decode_members(members, asked=QUESTION_TYPES[operation]))
    item_id = question.pop("item_id")
    if SEED in question:
        question["item_id"] = question.pop(SEED)
    return Question(operation, REQUEST_TYPES[operation](**question), item_id)
