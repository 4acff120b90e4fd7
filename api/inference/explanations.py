"""The answer of `/v1/explain`: its closed lists and its shape.

The structs are the single source of the OpenAPI document's schemas and of the answer's JSON.
"""

from __future__ import annotations

from typing import Literal

from msgspec import UNSET, Struct, UnsetType

from api.inference.answers import (
    CallWarning,
    Fallback,
    Freshness,
    ModelName,
    PublicReason,
    Reason,
    Source,
    Strategy,
)

PartCode = Literal[
    "popular",
    "category_popular",
    "item_knn",
    "rp3",
    "ease",
    "gfcf",
    "co_visits",
    "content",
    "taste",
    "factors",
    "own",
    "bought_together",
    "trending",
    "last_viewed",
]
KeptOutCode = Literal[
    "not_found",
    "not_in_catalogue",
    "deleted",
    "out_of_stock",
    "not_recommendable",
    "not_yet_available",
    "no_longer_available",
    "excluded",
    "given",
    "given_variant",
    "purchased",
    "purchased_variant",
    "filter",
    "category",
    "not_in_selection",
    "not_viewed",
    "newer_than_model",
    "no_evidence",
    "group",
    "max_per_brand",
    "max_per_category",
    "diversity",
    "exploration",
    "limit",
]


class Seed(Struct):
    """An item of the shopper's history, or of the call, that spoke for the one explained.

    ``share``: of all that spoke for it in this part, between 0 and 1.
    """

    item_id: str
    title: str | None
    share: float


class ExplainedPart(Struct):
    """What one part of the model adds to the score, and the items that spoke most in it.

    A part that speaks against the item has a negative score.
    """

    code: PartCode
    score: float
    text: str
    items: list[Seed]


class ExplainedBoost(Struct):
    """The call's boosts that the item meets, their product, and what it adds to the score."""

    factor: float
    score: float
    pointers: list[str]


class KeptOut(Struct, omit_defaults=True):
    """A rule that keeps the item out.

    ``pointer``: where the call says so. ``item_id``: the other item that the rule is about.
    """

    code: KeptOutCode
    text: str
    pointer: str | None = None
    item_id: str | None = None


class Explanation(Struct, kw_only=True):
    """Where an item stands in the answer to a call and why, part by part, or what keeps it out.

    ``shown``: the answer holds it. ``rank``: its place there, or in a longer list; null where a
    rule keeps it out. ``score_rank``: its place by score alone among all that may be shown.
    ``score``: the sum of ``parts`` and of the boost.
    """

    type: str
    item_id: str
    group_id: str | UnsetType = UNSET
    shown: bool
    rank: int | None
    score_rank: int | None
    score: float | None
    source: Source | None
    reason: Reason | None
    parts: list[ExplainedPart]
    boost: ExplainedBoost | None
    kept_out_by: list[KeptOut]
    warnings: list[CallWarning]
    model: ModelName | None
    strategy: Strategy
    fallback: Fallback | None
    freshness: Freshness
    took_ms: float


class PublicExplanation(Struct):
    """The answer to a publishable key: what a page could see in the items of the call itself."""

    item_id: str
    rank: int | None
    reason: PublicReason | None
    fallback: Fallback | None


def explanation_for_page(explanation: Explanation) -> PublicExplanation:
    """Return what a publishable key may see of an explanation."""
    reason = explanation.reason
    return PublicExplanation(
        item_id=explanation.item_id,
        rank=explanation.rank if explanation.shown else None,
        reason=PublicReason(reason.code) if reason is not None else None,
        fallback=explanation.fallback,
    )
