"""Sets what a store will pay for a period at most, or lifts the cap."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from django.db import transaction

from billing.core.money import as_minor, as_text
from billing.models.subscription import Subscription
from billing.services.apply_entitlement import apply_entitlement
from saas.lib.errors import Conflict, InvalidParameter
from tenants.context import on_platform
from tenants.services.record_audit import check_reason_of, record_audit


def change_spend_cap(
    *,
    tenant_id: UUID,
    amount: Decimal | None,
    currency: str | None,
    actor: str,
    reason: str = "",
) -> None:
    """Set the cap; it acts in every process within 2 s.

    Parameters
    ----------
    tenant_id
        Whose subscription.
    amount, currency
        Not negative, in the subscription's currency; None lifts the cap.
    actor, reason
        For the audit log; staff must say why.

    Raises
    ------
    Conflict
        The store has no subscription, so nothing to cap.
    InvalidParameter
        The amount is finer than its currency's coins, or of another currency, or staff gives no
        reason.
    """
    reason = check_reason_of(actor, reason)
    with on_platform(), transaction.atomic():
        subscription = Subscription.objects.select_for_update().filter(pk=tenant_id).first()
        if subscription is None:
            raise Conflict("This store has no plan, so it spends nothing; choose a plan first.")
        after = None
        if amount is not None:
            after = _minor(amount, currency or "", subscription)
        before, subscription.spend_cap_minor = subscription.spend_cap_minor, after
        if before == after:
            return
        subscription.save(update_fields=["spend_cap_minor", "updated_at"])
        record_audit(
            tenant_id=tenant_id,
            actor=actor,
            action="spend_cap_changed",
            object="subscription",
            reason=reason,
            before={"spend_cap": _shown(before, subscription)},
            after={"spend_cap": _shown(after, subscription)},
        )
        apply_entitlement(tenant_id=tenant_id)


def _minor(amount: Decimal, currency: str, subscription: Subscription) -> int:
    if currency != subscription.currency:
        raise InvalidParameter(
            f"'currency' is '{currency[:60]}'; this store is billed in {subscription.currency}.",
            pointer="/spend_cap/currency",
        )
    try:
        return as_minor(amount, currency)
    except ValueError as error:
        raise InvalidParameter(str(error), pointer="/spend_cap/amount") from None


def _shown(minor: int | None, subscription: Subscription) -> str | None:
    return None if minor is None else as_text(minor, subscription.currency)
