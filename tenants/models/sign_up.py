"""Sign-ups: stores that were asked for, and how far their making has come."""

from __future__ import annotations

from django.db import models
from typing_extensions import override

from saas.lib.ids import new_ulid
from tenants.models.person import Person
from tenants.models.tenant import Tenant


class SignUp(models.Model):
    """One store that somebody wants. A job makes it; the row says how far it is."""

    class State(models.TextChoices):
        """Unconfirmed ones wait for their person's e-mail address, and vanish without it."""

        UNCONFIRMED = "unconfirmed"
        QUEUED = "queued"
        MAKING = "making"
        FILLING = "filling"
        DONE = "done"
        FAILED = "failed"

    id = models.CharField(primary_key=True, max_length=26, default=new_ulid)
    name = models.CharField(max_length=80)
    slug = models.SlugField(blank=True, help_text="Wanted by staff; else made from the name.")
    person = models.ForeignKey(
        Person, on_delete=models.CASCADE, null=True, help_text="Who signed up, and will own it."
    )
    owner_email = models.EmailField(
        blank=True, help_text="Whom to invite as the owner, where staff asked for the store."
    )
    actor = models.CharField(max_length=200)
    reason = models.TextField(blank=True)
    state = models.CharField(max_length=11, choices=State, default=State.UNCONFIRMED)
    progress = models.FloatField(default=0)
    error = models.TextField(blank=True)
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)
    key_shown_at = models.DateTimeField(null=True, help_text="When the first key was shown, once.")

    @override
    def __str__(self) -> str:
        return f"{self.name} ({self.state})"
