"""What the store has said about the attributes of its items."""

from __future__ import annotations

from django.db import models
from typing_extensions import override

from engine.rows.item_attributes import MAX_NAME_CHARACTERS


class Attribute(models.Model):
    """A declaration; an attribute without one is what its values look like, with the defaults."""

    class Type(models.TextChoices):
        """As the contract names them."""

        STRING = "string"
        NUMBER = "number"
        BOOLEAN = "boolean"
        LIST = "list"

    name = models.CharField(primary_key=True, max_length=MAX_NAME_CHARACTERS)
    type = models.CharField(max_length=7, choices=Type)
    filterable = models.BooleanField(default=True)
    learn = models.BooleanField(default=True, help_text="Whether models may learn from it.")
    public = models.BooleanField(default=False, help_text="Whether answers may show it.")

    @override
    def __str__(self) -> str:
        return f"{self.name}: {self.type}"
