"""Ends a webhook: what was not delivered by then never will be."""

from __future__ import annotations

from tenants.context import on_platform
from tenants.models.environment import Environment
from tenants.selectors.webhooks import webhook_of
from tenants.services.record_audit import record_audit


def delete_webhook(*, environment: Environment, actor: str, webhook_id: str) -> None:
    """Delete a webhook and the record of its messages, inside the caller's transaction.

    Parameters
    ----------
    environment, webhook_id
        Whose, and which.
    actor
        Who asks for it.

    Raises
    ------
    NotFound
        There is no such webhook.
    """
    webhook = webhook_of(environment_id=environment.pk, webhook_id=webhook_id)
    record_audit(
        tenant_id=environment.tenant_id,
        actor=actor,
        action="webhook_deleted",
        object=f"webhook:{webhook.pk}",
        before={"url": webhook.url, "events": webhook.events},
    )
    with on_platform():
        webhook.delete()
