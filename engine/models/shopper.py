"""The store's shoppers: users it knows, and anonymous visitors."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from engine.models.item import MAX_ID_CHARACTERS


class Shopper(models.Model):
    """Somebody who browses or buys, in one of two separate id spaces."""

    class Kind(models.TextChoices):
        """A user is known to the store; an anonymous visitor is a browser."""

        USER = "user"
        ANONYMOUS = "anonymous"

    id = models.AutoField(primary_key=True)
    kind = models.CharField(max_length=9, choices=Kind)
    external_id = models.CharField(max_length=MAX_ID_CHARACTERS)
    attributes = models.JSONField(default=dict)
    personalise = models.BooleanField(default=True)
    source_updated_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    deleted_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["kind", "external_id"], name="shopper_once"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.external_id}"


class IdentityLink(models.Model):
    """From this time on, the anonymous visitor is that user (until a later link says otherwise)."""

    anonymous = models.ForeignKey(Shopper, on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey(Shopper, on_delete=models.CASCADE, related_name="+")
    valid_from = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["anonymous", "user", "valid_from"], name="identity_link_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.anonymous_id} is {self.user_id} from {self.valid_from:%Y-%m-%d %H:%M}"
