"""Sends a message to a store's webhook again that was given up, at staff's word."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from saas.lib.errors import Conflict
from tenants.context import on_platform
from tenants.models.webhook import WebhookDelivery
from tenants.services.announce import queue_attempt
from tenants.services.record_audit import check_reason, record_audit


def resend_webhook(*, delivery_id: str, actor: str, reason: str) -> None:
    """Queue the delivery's next attempt at once; the receiver knows the message by its id.

    Parameters
    ----------
    delivery_id
        Of a delivery that has failed for good.
    actor, reason
        For the audit log.

    Raises
    ------
    Conflict
        The delivery has not failed, or its webhook is switched off.
    InvalidParameter
        There is no reason.
    """
    reason = check_reason(reason)
    with on_platform(), transaction.atomic():
        delivery = (
            WebhookDelivery.objects.select_for_update(of=["self"])
            .select_related("webhook__environment")
            .get(pk=delivery_id)
        )
        if delivery.state != WebhookDelivery.State.FAILED or delivery.webhook.disabled_at:
            raise Conflict(
                f"Delivery {delivery_id} is {delivery.state}; one that has failed can be sent "
                "again, as long as its webhook is not switched off."
            )
        delivery.state = WebhookDelivery.State.PENDING
        delivery.next_attempt_at = timezone.now()
        delivery.save(update_fields=["state", "next_attempt_at"])
        queue_attempt(delivery, environment_id=delivery.webhook.environment_id)
        record_audit(
            tenant_id=delivery.webhook.environment.tenant_id,
            actor=actor,
            action="webhook_resent",
            object=f"webhook_delivery:{delivery_id}",
            reason=reason,
            before={"attempts": delivery.attempts, "error": delivery.error},
        )
