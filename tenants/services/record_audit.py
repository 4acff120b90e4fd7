"""Writes down who did what, to whom and why, in the transaction of the deed."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from saas.lib.errors import InvalidParameter
from tenants.context import on_platform
from tenants.models.audit_event import AuditEvent


def check_reason(reason: str) -> str:
    """Return why staff does something to a store: without a reason it is not done.

    Raises
    ------
    InvalidParameter
        The reason is empty.
    """
    if not reason.strip():
        raise InvalidParameter("Say why: the reason stands in the audit log.", pointer="/reason")
    return reason.strip()


def check_reason_of(actor: str, reason: str) -> str:
    """Return why something is done that a store may also do by itself: only staff must say why.

    Raises
    ------
    InvalidParameter
        Staff gives no reason.
    """
    return check_reason(reason) if actor.startswith("staff:") else reason.strip()


def record_audit(
    *,
    tenant_id: UUID | None,
    actor: str,
    action: str,
    object: str,
    reason: str = "",
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    """Add a row to the audit log.

    Parameters
    ----------
    tenant_id
        Whom it concerns; `None` for the platform's own affairs.
    actor
        ``"key:<id>"``, ``"person:<email>"``, ``"staff:<email>"``, ``"stripe"``, ``"command"`` or
        ``"job:<id>"``.
    action
        What was done, as a verb in the past: ``"model_promoted"``.
    object
        To what: ``"model:<version>"``.
    """
    with on_platform():
        AuditEvent.objects.create(
            tenant_id=tenant_id,
            actor=actor,
            action=action,
            object=object,
            reason=reason,
            before=before or {},
            after=after or {},
        )
