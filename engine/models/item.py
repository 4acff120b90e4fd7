"""The catalogue, and every id under which its items were ever named."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from typing_extensions import override

MAX_ID_CHARACTERS = 256


class Item(models.Model):
    """A product of the store, or one variant of it.

    Deleting keeps the row: serving learns of it by `change_seq`, events keep what they point at.
    """

    item_id = models.CharField(max_length=MAX_ID_CHARACTERS)
    title = models.TextField()
    description = models.TextField(null=True)  # noqa: DJ001  # null clears, "" is a value
    categories = ArrayField(models.TextField(), default=list)
    brand = models.TextField(null=True)  # noqa: DJ001
    price = models.DecimalField(max_digits=14, decimal_places=4, null=True)
    list_price = models.DecimalField(max_digits=14, decimal_places=4, null=True)
    currency = models.CharField(max_length=3, null=True)  # noqa: DJ001
    in_stock = models.BooleanField(default=True)
    recommendable = models.BooleanField(default=True)
    available_from = models.DateTimeField(null=True)
    available_until = models.DateTimeField(null=True)
    url = models.TextField(null=True)  # noqa: DJ001
    image_url = models.TextField(null=True)  # noqa: DJ001
    group_id = models.CharField(max_length=MAX_ID_CHARACTERS, null=True)  # noqa: DJ001
    aliases = ArrayField(models.CharField(max_length=MAX_ID_CHARACTERS), default=list)
    attributes = models.JSONField(default=dict)
    source_updated_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    deleted_at = models.DateTimeField(null=True)
    change_seq = models.BigIntegerField(
        help_text="The catalogue clock's value of the write that last touched the row."
    )

    class Meta:
        # Not `unique=True`: Django would add a second index for LIKE, and each costs per tenant.
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["item_id"], name="item_once"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["change_seq"], name="item_change_seq"),
            # Whether a text that names no item names a group; stores without variants pay nothing.
            models.Index(
                fields=["group_id"], name="item_group", condition=Q(group_id__isnull=False)
            ),
        ]

    @override
    def __str__(self) -> str:
        return self.item_id


class ItemRef(models.Model):
    """A text that names an item: its id or an alias.

    Events point here, so that an event of an unknown item joins by itself when the item comes.
    """

    id = models.AutoField(primary_key=True)
    ref = models.CharField(max_length=MAX_ID_CHARACTERS)
    item = models.ForeignKey(Item, on_delete=models.SET_NULL, null=True, related_name="refs")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["ref"], name="item_ref_once"),
        ]

    @override
    def __str__(self) -> str:
        return self.ref
