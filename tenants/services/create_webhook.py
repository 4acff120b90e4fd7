"""Has an address of a store's told of what happens."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils import timezone

from saas.lib.destinations import check_url
from saas.lib.errors import Conflict
from saas.lib.ids import new_ulid
from saas.lib.webhook_signature import new_webhook_secret
from tenants.context import on_platform
from tenants.models.environment import Environment
from tenants.models.webhook import Webhook
from tenants.services.record_audit import record_audit

# Each gets a message of its own for everything that happens.
MAX_WEBHOOKS = 20


def create_webhook(
    *, environment: Environment, actor: str, url: str, events: Sequence[str]
) -> Webhook:
    """Make a webhook, inside the caller's transaction.

    Parameters
    ----------
    environment, actor
        Whose, and who asks for it.
    url
        https, on the public internet.
    events
        What it wants to hear of: some of ``EVENT_TYPES``.

    Returns
    -------
    Webhook
        Its row, with the secret.

    Raises
    ------
    UrlNotAllowed
        The URL may not be called.
    Conflict
        There are too many webhooks.
    """
    check_url(url)
    with on_platform():
        if Webhook.objects.filter(environment=environment).count() >= MAX_WEBHOOKS:
            raise Conflict(f"There are {MAX_WEBHOOKS} webhooks already; delete one of them first.")
        webhook = Webhook.objects.create(
            id=new_ulid(),
            environment=environment,
            url=url,
            events=sorted(set(events)),
            secret=new_webhook_secret(),
            created_at=timezone.now(),
        )
    record_audit(
        tenant_id=environment.tenant_id,
        actor=actor,
        action="webhook_created",
        object=f"webhook:{webhook.pk}",
        after={"url": url, "events": webhook.events},
    )
    return webhook
