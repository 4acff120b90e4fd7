"""Sessions that have ended are forgotten; the others go on."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.sessions.models import Session
from django.utils import timezone

from tenants.services.expire_sessions import expire_sessions


def test_only_sessions_that_have_ended_go(database: None) -> None:
    now = timezone.now()
    for key, minutes in (("over", -1), ("under-way", 1)):
        Session.objects.create(
            session_key=key, session_data="", expire_date=now + timedelta(minutes=minutes)
        )
    assert expire_sessions() == 1
    assert Session.objects.filter(session_key__in=["over", "under-way"]).count() == 1
    assert Session.objects.filter(session_key="under-way").exists()
