"""What a store is told that may not call now because of its plan: the same words on both edges."""

from __future__ import annotations

import math
import time
from typing import Any

from saas.lib.config import config
from saas.lib.errors import PaymentRequired, QuotaExceeded, TenantSuspended

# Told to the store with each answer, lest it find out by a refusal.
WARNING_STATES = frozenset({"trialing", "past_due"})


def suspended() -> TenantSuspended:
    """Return what staff's decision means for a call."""
    return TenantSuspended("This store is suspended; its owner finds the reason by e-mail.")


def payment_required(*, access: str, state: str, is_page: bool) -> PaymentRequired:
    """Return the refusal of a store that does not pay; a page learns nothing of its affairs."""
    if is_page:
        return PaymentRequired("This store does not take part at the moment.")
    still = "what you have can still be read and exported" if access == "reads" else "pay first"
    return PaymentRequired(
        f"The subscription is '{state}', so this call is not answered: {still}; "
        "the owner can settle it in the portal.",
        members={"state": state, **_portal()},
    )


def quota_exceeded(
    *, limit: int, used: int, limited_by: str, period_end: int, is_page: bool
) -> QuotaExceeded:
    """Return the refusal of a call beyond the period's limit."""
    headers = {"Retry-After": str(max(1, math.ceil(period_end - time.time())))}
    if is_page:
        return QuotaExceeded("This store's recommendations are used up.", headers=headers)
    way_out = {
        "trial": "choose a plan to go on",
        "spend_cap": "raise the spend cap (PUT /v1/usage/limits) to go on",
    }.get(limited_by, "change to a larger plan to go on")
    resets_at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(period_end))
    return QuotaExceeded(
        f"All {limit} recommendation calls until {resets_at} are used; {way_out}.",
        headers=headers,
        members={"limit": limit, "used": used, "resets_at": resets_at, **_portal()},
    )


def _portal() -> dict[str, Any]:
    host = config().portal_host
    return {"portal_url": f"https://{host}/"} if host else {}
