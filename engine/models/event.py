"""What shoppers did: the rows that ingestion writes and training reads."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q
from typing_extensions import override

from engine.models.item import MAX_ID_CHARACTERS, ItemRef
from engine.models.shopper import Shopper


class Event(models.Model):
    """One line of an event: an event about three items is three rows with one key.

    Line 0 exists for every event. No foreign key here is checked by PostgreSQL: rows are made by
    one set-based insert that joins the tables it points at.
    """

    class Source(models.TextChoices):
        """Which way an event came in: browser and server may both report the same order."""

        SERVER = "server"
        BROWSER = "browser"
        IMPORT = "import"

    event_key = models.UUIDField(help_text="A digest of the event id, or of the whole event.")
    line = models.SmallIntegerField()
    content_digest = models.BinaryField(max_length=16, help_text="Tells a repeat from a conflict.")
    event_id = models.CharField(max_length=MAX_ID_CHARACTERS, null=True)  # noqa: DJ001
    source = models.CharField(max_length=16, choices=Source)
    type = models.CharField(max_length=64)
    occurred_at = models.DateTimeField()
    received_at = models.DateTimeField()
    user = models.ForeignKey(
        Shopper,
        on_delete=models.CASCADE,
        null=True,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    anonymous = models.ForeignKey(
        Shopper,
        on_delete=models.CASCADE,
        null=True,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    session_id = models.CharField(max_length=MAX_ID_CHARACTERS, null=True)  # noqa: DJ001
    item_ref = models.ForeignKey(
        ItemRef,
        on_delete=models.CASCADE,
        null=True,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    quantity = models.DecimalField(max_digits=12, decimal_places=3, null=True)
    price = models.DecimalField(max_digits=14, decimal_places=4, null=True)
    currency = models.CharField(max_length=3, null=True)  # noqa: DJ001
    order_id = models.CharField(max_length=MAX_ID_CHARACTERS, null=True)  # noqa: DJ001
    line_id = models.CharField(max_length=MAX_ID_CHARACTERS, null=True)  # noqa: DJ001
    value = models.DecimalField(max_digits=14, decimal_places=4, null=True)
    query = models.TextField(null=True)  # noqa: DJ001
    category = models.TextField(null=True)  # noqa: DJ001
    recommendation_id = models.CharField(max_length=64, null=True)  # noqa: DJ001
    placement = models.CharField(max_length=MAX_ID_CHARACTERS, null=True)  # noqa: DJ001
    context = models.JSONField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["event_key", "line"], name="event_line_once"),
        ]
        indexes: ClassVar = [
            BrinIndex(fields=["occurred_at"], name="event_occurred_at"),
            # Pages of events, newest first: a BRIN index holds no order, and one of them alone
            # would be walked to its end for an item that nobody has looked at lately.
            models.Index(fields=["occurred_at", "event_key"], name="event_newest"),
            models.Index(fields=["item_ref"], name="event_item"),
            # An event has a user or a visitor, rarely both.
            models.Index(fields=["user"], name="event_user", condition=Q(user__isnull=False)),
            models.Index(
                fields=["anonymous"], name="event_visitor", condition=Q(anonymous__isnull=False)
            ),
            # Lines of an order are looked for with each purchase and refund.
            models.Index(
                fields=["order_id"], name="event_order", condition=Q(order_id__isnull=False)
            ),
        ]

    @override
    def __str__(self) -> str:
        return f"{self.type} {self.event_key}/{self.line}"
