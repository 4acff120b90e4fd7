"""How items, users and events look in the OpenAPI document; `engine.rows` is what checks them."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from api.v1.serializers import StrictSerializer
from engine.rows.results import MAX_BATCH_ROWS
from engine.rows.values import MAX_ALIASES, MAX_ID_CHARACTERS


def _id(**options: Any) -> serializers.CharField:
    return serializers.CharField(max_length=MAX_ID_CHARACTERS, **options)


def _optional(**options: Any) -> serializers.CharField:
    return serializers.CharField(required=False, allow_null=True, **options)


def _time() -> serializers.DateTimeField:
    return serializers.DateTimeField(required=False, allow_null=True)


def _price() -> serializers.DecimalField:
    return serializers.DecimalField(
        max_digits=14, decimal_places=4, required=False, allow_null=True
    )


class ItemBody(serializers.Serializer[Any]):
    """An item of the catalogue."""

    title = serializers.CharField(help_text="Required at creation and in a replacement.")
    description = _optional()
    categories = serializers.ListField(child=serializers.CharField(), required=False)
    brand = _optional()
    price = _price()
    list_price = _price()
    currency = _optional(help_text="ISO 4217.")
    in_stock = serializers.BooleanField(required=False)
    recommendable = serializers.BooleanField(required=False)
    available_from = _time()
    available_until = _time()
    url = serializers.URLField(required=False, allow_null=True)
    image_url = serializers.URLField(required=False, allow_null=True)
    group_id = _id(required=False, allow_null=True, help_text="Joins variants.")
    aliases = serializers.ListField(child=_id(), max_length=MAX_ALIASES, required=False)
    attributes = serializers.DictField(
        required=False, help_text="Strings, numbers, booleans and lists of them, by name."
    )
    source_updated_at = _time()


class ItemPatch(ItemBody):
    """The members of an item to change; null clears one."""

    title = serializers.CharField(required=False)


class ItemAnswer(ItemBody):
    """An item as it is stored."""

    id = _id()


class ItemRowBody(ItemPatch):
    """An item of a batch."""

    id = _id()
    deleted = serializers.BooleanField(required=False, help_text="True takes the item away.")


class ItemBatchBody(StrictSerializer):
    """Up to 1,000 items."""

    items = serializers.ListField(child=ItemRowBody(), max_length=MAX_BATCH_ROWS)
    op = serializers.ChoiceField(["merge", "replace"], default="merge")
    atomic = serializers.BooleanField(default=False)


class RowErrorAnswer(serializers.Serializer[Any]):
    """What is wrong with one value of one row."""

    index = serializers.IntegerField(required=False)
    id = serializers.CharField(required=False)
    pointer = serializers.CharField()
    code = serializers.CharField()
    detail = serializers.CharField()


class WriteAnswer(serializers.Serializer[Any]):
    """What a batch did; each row is counted once."""

    accepted = serializers.IntegerField()
    created = serializers.IntegerField()
    updated = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    deleted = serializers.IntegerField()
    stale = serializers.IntegerField()
    rejected = serializers.IntegerField()
    errors = RowErrorAnswer(many=True)  # type: ignore[assignment]  # DRF pops it off the class


class UserBody(serializers.Serializer[Any]):
    """The members of a user to change; null clears one."""

    attributes = serializers.DictField(required=False, allow_null=True)
    personalise = serializers.BooleanField(
        required=False, help_text="False is an objection, honoured within 2 seconds."
    )
    source_updated_at = _time()


class UserAnswer(UserBody):
    """A user as the store described it."""

    id = _id()


class UserRowBody(UserBody):
    """A user of a batch."""

    id = _id()
    deleted = serializers.BooleanField(required=False)


class UserBatchBody(StrictSerializer):
    """Up to 1,000 users."""

    users = serializers.ListField(child=UserRowBody(), max_length=MAX_BATCH_ROWS)
    atomic = serializers.BooleanField(default=False)


class UserMergeBody(StrictSerializer):
    """An anonymous visitor, and the user that it turned out to be."""

    anonymous_id = _id()
    user_id = _id()


class EventLineBody(serializers.Serializer[Any]):
    """One item of an event about several."""

    id = _id(help_text="The item's id, an alias or a group's id.")
    quantity = serializers.FloatField(required=False, allow_null=True)
    price = _price()
    line_id = _id(required=False, allow_null=True)


class EventMembers(serializers.Serializer[Any]):
    """What an event says."""

    type = serializers.CharField(
        help_text="impression, click, view, category_view (category), search (query), wishlist, "
        "cart, uncart, purchase, refund, like, dislike, or custom:<name>."
    )
    user_id = _id(required=False, allow_null=True)
    anonymous_id = _id(required=False, allow_null=True)
    session_id = _id(required=False, allow_null=True)
    item_id = _id(required=False, allow_null=True)
    quantity = serializers.FloatField(required=False, allow_null=True)
    price = _price()
    line_id = _id(required=False, allow_null=True)
    items = EventLineBody(many=True, required=False)
    ts = serializers.DateTimeField(
        required=False, allow_null=True, help_text="RFC 3339 with an offset; now if absent."
    )
    event_id = _id(required=False, allow_null=True, help_text="The same id counts once.")
    order_id = _id(required=False, allow_null=True)
    value = _price()
    currency = _optional(help_text="ISO 4217.")
    query = _optional()
    category = _optional()
    recommendation_id = _optional()
    placement = _optional()
    context = serializers.DictField(  # type: ignore[assignment]  # DRF pops it off the class
        required=False, allow_null=True
    )


class EventBody(EventMembers):
    """What a shopper did. At least one of user, anonymous, session or order id."""

    user_token = _optional(
        help_text="With a publishable key, beside user_id: from POST /v1/auth/user-token."
    )


class EventBatchBody(serializers.Serializer[Any]):
    """Up to 1,000 events."""

    events = serializers.ListField(child=EventBody(), max_length=MAX_BATCH_ROWS)
    sent_at = serializers.DateTimeField(
        required=False, help_text="When the sender's clock says this left it; corrects `ts`."
    )
    user_token = _optional(help_text="For every event that brings none of its own.")


class EventAnswer(EventMembers):
    """An event as it is stored."""

    received_at = serializers.DateTimeField()


class IngestAnswer(serializers.Serializer[Any]):
    """What came of the events; each is counted once."""

    accepted = serializers.IntegerField()
    duplicates = serializers.IntegerField()
    rejected = serializers.IntegerField()
    errors = RowErrorAnswer(many=True)  # type: ignore[assignment]  # DRF pops it off the class
    warnings = RowErrorAnswer(many=True)
    watermark = serializers.CharField(
        allow_null=True, help_text="For `min_watermark`; null while Redis is away."
    )
