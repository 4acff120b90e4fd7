"""The store's shoppers: users it knows, and anonymous visitors."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from typing_extensions import override

from engine.models.item import MAX_ID_CHARACTERS


class Shopper(models.Model):
    """Somebody who browses or buys, in one of two separate id spaces."""

    class Kind(models.TextChoices):
        """A user is known to the store, an anonymous visitor is a browser, an erased one nobody."""

        USER = "user"
        ANONYMOUS = "anonymous"
        # Until its events are deleted; its id is a number of ours.
        ERASED = "erased"

    id = models.AutoField(primary_key=True)
    kind = models.CharField(max_length=9, choices=Kind)
    external_id = models.CharField(max_length=MAX_ID_CHARACTERS)
    attributes = models.JSONField(default=dict)
    personalise = models.BooleanField(default=True)
    source_updated_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    deleted_at = models.DateTimeField(null=True)
    change_seq = models.BigIntegerField(
        default=0,
        help_text="The catalogue clock's value of the store's last write; 0: known from events.",
    )

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["kind", "external_id"], name="shopper_once"),
        ]
        indexes: ClassVar = [
            # Few shoppers are ever written by the store, so serving reads those alone.
            models.Index(
                fields=["change_seq"], name="shopper_change_seq", condition=Q(change_seq__gt=0)
            ),
        ]

    @override
    def __str__(self) -> str:
        return f"{self.kind} {self.external_id}"


class IdentityLink(models.Model):
    """From this time on, the anonymous visitor is that user (until a later link says otherwise).

    What came before the first link belongs to the first link's user.
    """

    # The constraint's index serves look-ups by the visitor.
    anonymous = models.ForeignKey(
        Shopper, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    user = models.ForeignKey(Shopper, on_delete=models.CASCADE, related_name="+")
    valid_from = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["anonymous", "valid_from"], name="identity_link_once"),
        ]

    @override
    def __str__(self) -> str:
        return f"{self.anonymous_id} is {self.user_id} from {self.valid_from:%Y-%m-%d %H:%M}"
