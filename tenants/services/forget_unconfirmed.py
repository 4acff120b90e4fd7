"""Forgets who signed up and never confirmed the address, with all that they left."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from tenants.context import on_platform
from tenants.models.person import Person

# As long as the link in the mail holds.
KEPT = timedelta(days=3)
_MOST = 200


def forget_unconfirmed() -> int:
    """Delete the accounts whose address was not confirmed in time; return how many."""
    with on_platform(), transaction.atomic():
        forgotten = list(
            Person.objects.select_for_update(skip_locked=True, of=("self",))
            .filter(date_joined__lt=timezone.now() - KEPT, is_staff=False, memberships=None)
            .exclude(emailaddress__verified=True)
            .filter(emailaddress__verified=False)[:_MOST]
        )
        Person.objects.filter(pk__in=[each.pk for each in forgotten]).delete()
    return len(forgotten)
