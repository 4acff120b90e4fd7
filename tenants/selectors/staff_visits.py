"""Visits of platform staff to a store's pages: which one is under way, and what a link opens."""

from __future__ import annotations

from django.core import signing
from django.utils import timezone

from tenants.context import on_platform
from tenants.models.staff_visit import StaffVisit
from tenants.models.tenant import Tenant

_SALT = "shelfwise.staff-visit"


def staff_visit_token(visit: StaffVisit) -> str:
    """Return what the link carries that opens a visit."""
    return signing.dumps(visit.pk, salt=_SALT)


def offered_staff_visit(*, token: str, slug: str) -> StaffVisit | None:
    """Return the visit to a store that a link opens, or `None` where it was used or is too old."""
    try:
        visit_id = signing.loads(token, salt=_SALT)
    except signing.BadSignature:
        return None
    return _visit(visit_id, slug=slug, is_open=False)


def current_staff_visit(*, visit_id: str, slug: str) -> StaffVisit | None:
    """Return a visit to a store that was opened and is not over, or `None`."""
    return _visit(visit_id, slug=slug, is_open=True)


def _visit(visit_id: str, *, slug: str, is_open: bool) -> StaffVisit | None:
    with on_platform():
        return (
            StaffVisit.objects.filter(
                pk=visit_id,
                tenant__slug=slug,
                opened_at__isnull=not is_open,
                ended_at=None,
                ends_at__gt=timezone.now(),
                staff__is_staff=True,
                staff__is_active=True,
            )
            .exclude(tenant__status=Tenant.Status.DELETED)
            .select_related("staff", "tenant")
            .first()
        )
