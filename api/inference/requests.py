"""What a recommendation call may ask: one msgspec struct for each type, and errors that help.

The structs are the single source of the OpenAPI document's request schemas, too.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

Id = Annotated[str, Meta(min_length=1, max_length=256, description="An id of the store's own.")]
UserToken = Annotated[
    str,
    Meta(
        max_length=4096,
        description="With a publishable key, beside user_id: from POST /v1/auth/user-token.",
    ),
]
Watermark = Annotated[
    str,
    Meta(
        max_length=100,
        description="Of an answer of POST /v1/events: wait up to a second for its effect. "
        "Secret keys alone.",
    ),
]
Limit = Annotated[int, Meta(ge=1, le=100)]
ExcludedIds = Annotated[list[Id], Meta(max_length=1000)]
SessionIds = Annotated[list[Id], Meta(max_length=100, description="Item ids, newest last.")]
CartIds = Annotated[list[Id], Meta(max_length=100)]
RerankIds = Annotated[list[Id], Meta(min_length=1, max_length=500)]
Category = Annotated[str, Meta(min_length=1, max_length=1024, description="A category path.")]
Window = Annotated[
    Literal["24h", "7d", "30d"],
    Meta(
        description="The time that is compared with the weeks before it. It counts back from the "
        "newest events; one with fewer than 100 visits gives way to the next longer.",
    ),
]
MAX_PLACEMENT_CHARACTERS = 100
Placement = Annotated[str, Meta(min_length=1, max_length=MAX_PLACEMENT_CHARACTERS)]
FilterExpression = Annotated[
    dict[str, Any],
    Meta(
        description="An object with one operator (== != < <= > >= in and or not exists), such as "
        '{"and": [{"in": ["categories", "Home"]}, {"<": ["price", 50]}]}.',
        examples=[{"in": ["categories", "Home > Kitchen"]}],
    ),
]
Factor = Annotated[float, Meta(ge=0.1, le=10, description="Over 1 promotes, under 1 demotes.")]
Diversity = Annotated[
    float, Meta(ge=0, le=1, description="0: the best items; 1: items that differ most.")
]
Seed = Annotated[
    int,
    Meta(
        ge=0,
        lt=2**31,
        description="Draws the new items that are shown by this number instead of the hour.",
    ),
]
Cap = Annotated[int, Meta(ge=1, le=100)]
Collapse = Literal["group", "none"]
Include = list[Literal["product"]]


class Boost(Struct, forbid_unknown_fields=True, frozen=True):
    """Which items to promote or demote, and how much."""

    filter: FilterExpression
    factor: Factor


Boosts = Annotated[list[Boost], Meta(max_length=20)]


class Common(Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """The members that every recommendation call takes.

    ``exclude_purchased`` is unset by default: each type has a default of its own.
    """

    user_id: Id | None = None
    user_token: UserToken | None = None
    anonymous_id: Id | None = None
    session_id: Id | None = None
    min_watermark: Watermark | None = None
    seed: Seed | None = None
    limit: Limit = 10
    placement: Placement | None = None
    exclude: ExcludedIds = []
    exclude_purchased: bool | UnsetType = UNSET
    filter: FilterExpression | None = None
    boost: Boosts = []
    diversity: Diversity = 0
    max_per_brand: Cap | None = None
    max_per_category: Cap | None = None
    collapse: Collapse = "group"
    include: Include = []


class ForUserRequest(Common, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """What this shopper may like."""

    session: SessionIds = []


class SimilarRequest(Common, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """What is like this item."""

    item_id: Id


class CartRequest(Common, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """What goes with the items of a cart."""

    item_ids: CartIds


class BoughtTogetherRequest(Common, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """What is bought in one basket with these items, more often than by chance."""

    item_ids: CartIds


class TrendingRequest(Common, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """What is asked for more than it used to be, in the whole store or in a category."""

    window: Window = "24h"
    category: Category | None = None


class PopularRequest(Common, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """What sells best, in the whole store or in a category."""

    category: Category | None = None


class RecentlyViewedRequest(Common, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """What this shopper has looked at, newest first."""


class RerankRequest(Common, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """The store's own selection in the order this shopper may like."""

    item_ids: RerankIds


Boxes = Annotated[
    list[Any],
    Meta(
        min_length=1,
        max_length=20,
        description="Each a request with its `type` (for-user, similar, …); what it leaves out is "
        "taken from beside `requests`.",
        examples=[[{"type": "for-user"}, {"type": "popular", "category": "Home", "limit": 4}]],
    ),
]


class BatchRequest(Common, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """The boxes of a page, for one shopper; a bad box gets a problem, the others are answered."""

    requests: Boxes
    distinct: bool = False


Request = (
    ForUserRequest
    | SimilarRequest
    | BoughtTogetherRequest
    | CartRequest
    | TrendingRequest
    | PopularRequest
    | RecentlyViewedRequest
    | RerankRequest
)

REQUEST_TYPES: dict[str, type[Request]] = {
    "for-user": ForUserRequest,
    "similar": SimilarRequest,
    "bought-together": BoughtTogetherRequest,
    "cart": CartRequest,
    "trending": TrendingRequest,
    "popular": PopularRequest,
    "recently-viewed": RecentlyViewedRequest,
    "rerank": RerankRequest,
}

# What to send instead, by member: the last clause of an error's sentence.
WAYS_OUT: dict[str, str] = {
    "user_id": "a string of 1 to 256 characters",
    "user_token": "the token that POST /v1/auth/user-token made for the user",
    "anonymous_id": "a string of 1 to 256 characters",
    "session_id": "a string of 1 to 256 characters",
    "min_watermark": "the 'watermark' of an answer of POST /v1/events",
    "item_id": "a string of 1 to 256 characters",
    "similar_to": "the item_id of the call, a string of 1 to 256 characters",
    "seed": "a whole number from 0 to 2,147,483,647",
    "limit": "a whole number from 1 to 100",
    "placement": "a string of 1 to 100 characters",
    "exclude": "a list of at most 1,000 ids of 1 to 256 characters",
    "exclude_purchased": "true or false",
    "filter": 'an object with one operator such as {"in": ["categories", "Home"]}',
    "boost": 'a list of at most 20 entries {"filter": …, "factor": 0.1 to 10}',
    "factor": "a number from 0.1 to 10",
    "diversity": "a number from 0 to 1",
    "max_per_brand": "a whole number from 1 to 100",
    "max_per_category": "a whole number from 1 to 100",
    "collapse": "'group' or 'none'",
    "include": "a list that may hold 'product'",
    "session": "a list of at most 100 item ids, newest last",
    "window": "'24h', '7d' or '30d'",
    "category": "a category path such as 'Home > Kitchen'",
    "requests": 'a list of 1 to 20 boxes such as [{"type": "for-user"}]',
    "distinct": "true or false",
    "item_ids": "a list of item ids, 1 to 500 to rerank, at most 100 else",
}
