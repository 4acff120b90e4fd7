"""The answer of a recommendation call: its closed lists and its shape.

The structs are the single source of the OpenAPI document's schemas and of the answer's JSON, so
that the two cannot drift apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple, cast

from msgspec import UNSET, Raw, Struct, UnsetType, json

# Which part of the model spoke most for an item, or where the item came from without a model.
Source = Literal[
    "item_item",
    "taste",
    "content",
    "bought_together",
    "trending",
    "popular",
    "newest",
    "history",
    "exploration",
]
# How the whole list was made.
Strategy = Literal[
    "personal",
    "similar",
    "bought_together",
    "cart",
    "trending",
    "popular",
    "newest",
    "history",
]
ReasonCode = Literal[
    "because_you_interacted",
    "shares_features",
    "taste_match",
    "similar_item",
    "bought_together",
    "chosen_before",
    "trending",
    "popular_now",
    "popular_in_category",
    "new_arrival",
    "new_for_you",
    "recently_viewed",
]
FallbackTo = Literal["cart", "popular", "newest"]
FallbackReason = Literal[
    "no_model",
    "no_shopper",
    "unknown_shopper",
    "not_personalised",
    "empty_cart",
    "unknown_item",
    "nothing_similar",
    "nothing_bought_together",
    "nothing_trending",
    "quota_exceeded",
]
WarningCode = Literal["item_not_found"]
# `lost`: Redis lost what the watermark counted; the events are stored and come with a training.
WatermarkState = Literal["reached", "not_reached", "lost"]

AttributeValue = str | int | float | bool | list[str | int | float | bool]


class Reason(Struct, omit_defaults=True):
    """Why an item is there; `item_id` is the item that spoke for it."""

    code: ReasonCode
    text: str
    item_id: str | None = None


class Product(Struct):
    """What a page needs to show an item; prices are decimal strings."""

    title: str
    url: str | None
    image_url: str | None
    price: str | None
    list_price: str | None
    currency: str | None
    brand: str | None
    in_stock: bool
    # Those that the store has declared public, of those that the item has.
    attributes: dict[str, AttributeValue]


class AnswerItem(Struct, kw_only=True):
    """One recommended item; `score` compares items of the same answer alone."""

    id: str
    group_id: str | UnsetType = UNSET
    rank: int
    score: float
    source: Source
    reason: Reason
    product: Product | UnsetType = UNSET


class CallWarning(Struct):
    """Something in the request that the answer could not take into account."""

    code: WarningCode
    pointer: str


class ModelName(Struct):
    """The model version that answered."""

    version: str
    trained_at: datetime


class Fallback(Struct, rename={"from_": "from"}):
    """What the call asked for, what it got instead, and why."""

    from_: Strategy
    to: FallbackTo
    reason: FallbackReason


class Freshness(Struct):
    """What the answer has seen.

    ``watermark``: all events up to it; null when the recent events could not be read.
    ``lag_ms``: the age of what is known of the catalogue; null when PostgreSQL has not answered.
    ``min_watermark``: what came of the call's own, where it had one.
    """

    watermark: str | None
    lag_ms: int | None
    min_watermark: WatermarkState | UnsetType = UNSET


class Answer(Struct, kw_only=True):
    """The answer to a secret key or its token."""

    recommendation_id: str
    type: str
    placement: str | None
    items: list[AnswerItem]
    warnings: list[CallWarning]
    model: ModelName | None
    strategy: Strategy
    fallback: Fallback | None
    freshness: Freshness
    took_ms: float


class PublicReason(Struct):
    """Why an item is there, for a page."""

    code: ReasonCode


class PublicItem(Struct):
    """One recommended item, for a page."""

    id: str
    rank: int
    reason: PublicReason
    product: Product | UnsetType = UNSET


class PublicAnswer(Struct):
    """The answer to a publishable key: nothing that tells one store's shoppers to another."""

    recommendation_id: str
    items: list[PublicItem]
    fallback: Fallback | None


class BatchAnswer(Struct):
    """The boxes' answers in their order; a box that was not understood has a problem."""

    results: Sequence[Answer | PublicAnswer | Mapping[str, Any]]


_encoder = json.Encoder()
_product_decoder = json.Decoder(Product)
_items_decoder = json.Decoder(list[AnswerItem])


def encode(answer: Struct) -> bytes:
    """Return the answer's JSON."""
    return _encoder.encode(answer)


class Shown(NamedTuple):
    """What answers show of an item, as JSON: made once for each change and copied into answers.

    Attributes
    ----------
    item_id
        In its quotes.
    opening
        What an answer's item begins with, up to its rank.
    spoken
        What ends the reason of another item that this one spoke for: the end of a sentence that
        names the item, and its id.
    product
        Empty where nobody knows it.
    """

    item_id: bytes
    opening: bytes
    spoken: bytes
    product: bytes = b""


def shown(item_id: str, *, group_id: str | None = None, product: Product | None = None) -> Shown:
    """Return what answers show of an item; without a product, of one that the catalogue lacks."""
    quoted = _encoder.encode(item_id)
    title = _encoder.encode(product.title)[1:-1] if product else b""
    group = b'"group_id":%b,' % _encoder.encode(group_id) if group_id else b""
    return Shown(
        item_id=quoted,
        opening=b'{"id":%b,%b"rank":' % (quoted, group),
        spoken=b'%b","item_id":%b}' % (title or quoted[1:-1], quoted),
        product=_encoder.encode(product) if product else b"",
    )


def as_items(items: bytes) -> Any:
    """Return items that are JSON already, for the encoder to copy."""
    return Raw(items)


def decode_items(items: bytes) -> list[AnswerItem]:
    """Return an answer's items from their JSON."""
    return _items_decoder.decode(items)


def decode_product(product: bytes) -> Product:
    """Return a product from its JSON."""
    return _product_decoder.decode(product)


def with_attributes(was: Shown, attributes: str | None) -> Shown:
    """Return the same with these attributes of the product in the place of its own."""
    decoded = decode_product(was.product)
    decoded.attributes = cast(dict[str, AttributeValue], Raw((attributes or "{}").encode()))
    return was._replace(product=_encoder.encode(decoded))
