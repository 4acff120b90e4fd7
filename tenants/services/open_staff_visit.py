"""Lets platform staff look at a store's pages: for a reason, for half an hour, on the record."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from saas.lib.errors import NotFound
from tenants.context import on_platform
from tenants.models.person import Person
from tenants.models.staff_visit import StaffVisit
from tenants.selectors.staff_visits import offered_staff_visit, staff_visit_token
from tenants.services.record_audit import check_reason, record_audit

# From the console to the portal it is one redirect.
LINK_HOLDS = timedelta(minutes=5)
VISIT_LASTS = timedelta(minutes=30)


def open_staff_visit(*, staff: Person, tenant_id: UUID, reason: str) -> str:
    """Ask for a visit; return the token of the link that opens it, once.

    Parameters
    ----------
    staff
        Who wants to look.
    reason
        Why; it stands in the store's own audit log.

    Raises
    ------
    InvalidParameter
        There is no reason.
    """
    with on_platform():
        visit = StaffVisit.objects.create(
            tenant_id=tenant_id,
            staff=staff,
            reason=check_reason(reason),
            ends_at=timezone.now() + LINK_HOLDS,
        )
    return staff_visit_token(visit)


def begin_staff_visit(*, token: str, slug: str) -> StaffVisit:
    """Begin the visit of a link, and write it into the store's log.

    Raises
    ------
    NotFound
        The link was used, is too old, or is of another store.
    """
    now = timezone.now()
    with on_platform(), transaction.atomic():
        visit = offered_staff_visit(token=token, slug=slug)
        if visit is None or not StaffVisit.objects.filter(pk=visit.pk, opened_at=None).update(
            opened_at=now, ends_at=now + VISIT_LASTS
        ):
            raise NotFound("This link was used before, or is older than five minutes.")
        visit.refresh_from_db(fields=["opened_at", "ends_at"])
        _record(visit, "staff_visit_began", after={"until": visit.ends_at.isoformat()})
    return visit


def end_staff_visit(*, visit_id: str) -> None:
    """End a visit before its time."""
    with on_platform(), transaction.atomic():
        _end(visit_id, at=timezone.now())


def end_staff_visits() -> None:
    """Write the end of those visits into the log whose time is over."""
    with on_platform():
        over = StaffVisit.objects.filter(
            opened_at__isnull=False, ended_at=None, ends_at__lte=timezone.now()
        )
        for visit_id, ends_at in over.values_list("pk", "ends_at"):
            with transaction.atomic():
                _end(visit_id, at=ends_at)


def _end(visit_id: str, *, at: datetime) -> None:
    running = StaffVisit.objects.filter(pk=visit_id, opened_at__isnull=False, ended_at=None)
    if running.update(ended_at=at):
        visit = StaffVisit.objects.select_related("staff").get(pk=visit_id)
        _record(visit, "staff_visit_ended", after={"at": at.isoformat()})


def _record(visit: StaffVisit, action: str, *, after: dict[str, str]) -> None:
    record_audit(
        tenant_id=visit.tenant_id,
        actor=f"staff:{visit.staff.email}",
        action=action,
        object=f"staff_visit:{visit.pk}",
        reason=visit.reason,
        after=after,
    )
