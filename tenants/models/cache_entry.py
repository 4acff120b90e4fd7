"""Where Django's cache keeps what it counts: attempts to log in and to sign up."""

from __future__ import annotations

from django.db import models
from typing_extensions import override


class CacheEntry(models.Model):
    """A row of `DatabaseCache`, with the columns that it expects; nobody else touches it."""

    cache_key = models.CharField(max_length=255, primary_key=True)
    value = models.TextField()
    expires = models.DateTimeField(db_index=True)

    @override
    def __str__(self) -> str:
        return self.cache_key
