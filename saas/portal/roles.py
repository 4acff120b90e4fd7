"""What each role may see and do: the one table that decides it."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from tenants.models.person import Member
from tenants.models.tenant import Tenant


class Right(StrEnum):
    """Something a member may see or do; a page asks for exactly one."""

    SEE_STORE = "see_store"
    SEE_QUALITY = "see_quality"
    EXPLORE = "explore"
    SEE_DATA = "see_data"
    CHANGE_DATA = "change_data"
    RUN_MODELS = "run_models"
    MANAGE_KEYS = "manage_keys"
    SEE_BILLING = "see_billing"
    CHANGE_BILLING = "change_billing"
    MANAGE_TEAM = "manage_team"
    SEE_AUDIT = "see_audit"
    CHANGE_SETTINGS = "change_settings"
    DELETE_STORE = "delete_store"


_EVERYTHING = frozenset(Right)
_ANALYSIS = frozenset({Right.SEE_STORE, Right.SEE_QUALITY, Right.EXPLORE, Right.SEE_DATA})

RIGHTS: Final[dict[str, frozenset[Right]]] = {
    Member.Role.OWNER: _EVERYTHING,
    Member.Role.ADMIN: _EVERYTHING - {Right.CHANGE_BILLING, Right.DELETE_STORE},
    Member.Role.ANALYST: _ANALYSIS,
    Member.Role.DEVELOPER: _ANALYSIS | {Right.CHANGE_DATA, Right.RUN_MODELS, Right.MANAGE_KEYS},
    Member.Role.FINANCE: frozenset(
        {Right.SEE_STORE, Right.SEE_BILLING, Right.CHANGE_BILLING, Right.SEE_AUDIT}
    ),
}
# Platform staff who visit a store see what its people see, without its secrets and its money.
STAFF_VISIT: Final = _ANALYSIS | {Right.CHANGE_DATA, Right.RUN_MODELS, Right.SEE_AUDIT}
# A suspended store keeps its data in sight and can pay.
_SUSPENDED: Final = _ANALYSIS | {Right.SEE_BILLING, Right.CHANGE_BILLING, Right.SEE_AUDIT}


def rights_of(role: str, *, status: str, is_staff_visit: bool = False) -> frozenset[Right]:
    """Return what a person with this role may do in a store of this status."""
    rights = STAFF_VISIT if is_staff_visit else RIGHTS[role]
    return rights & _SUSPENDED if status == Tenant.Status.SUSPENDED else rights
