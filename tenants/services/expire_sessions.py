"""Forgets the sessions of people who have been logged out by time."""

from __future__ import annotations

from django.contrib.sessions.models import Session
from django.utils import timezone

from tenants.context import on_platform


def expire_sessions() -> int:
    """Delete the sessions that have ended.

    Returns
    -------
    int
        How many went.
    """
    with on_platform():
        deleted, _ = Session.objects.filter(expire_date__lt=timezone.now()).delete()
    return deleted
