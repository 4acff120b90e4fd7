"""Delivers one message to a store's webhook, and says when to try again if it fails."""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus

import structlog
from django.utils import timezone

from saas.lib.destinations import INTERNET, Network
from saas.lib.errors import UrlNotAllowed
from saas.lib.safe_post import PostFailedError, post
from saas.lib.webhook_signature import signed_headers
from tenants.context import in_environment, on_platform
from tenants.models.environment import Environment
from tenants.models.webhook import WebhookDelivery
from tenants.services.announce import queue_attempt
from tenants.services.run_job import ClaimedJob, ensure_held, finish_job

log = structlog.get_logger()

SECONDS_TO_ANSWER = 10.0
# As the specification of Standard Webhooks proposes: three days and a bit in all.
RETRIES = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
# An address that has taken nothing for so long is not listened to any more.
FAILING_DAYS = 5


def deliver_webhook(
    *, environment: Environment, job: ClaimedJob, network: Network = INTERNET
) -> None:
    """Send a delivery's message once more; the receiver may get one twice, by the same id.

    Parameters
    ----------
    environment
        Whose webhook it is.
    job
        Its payload names the delivery.
    network
        How the outside is reached; tests have one of their own.

    Raises
    ------
    LeaseLostError
        Another worker has taken the job over.
    """
    with in_environment(environment):
        ensure_held(job)
        delivery = _pending(job)
        if delivery is None:
            finish_job(job)
            return
    status, error = _send(delivery, network)
    with in_environment(environment):
        ensure_held(job)
        current = _pending(job)
        if current is not None:
            _record(current, environment=environment, status=status, error=error)
        finish_job(job)
    log.info("webhook_attempted", delivery=delivery.pk, type=delivery.type, status=status)


def fail_attempt(*, environment: Environment, job: ClaimedJob, reason: str) -> None:
    """Count an attempt that was lost on our side; call in the transaction that ends its job.

    Parameters
    ----------
    environment, job
        Whose webhook it is, and the job that will not run again.
    reason
        One sentence for the shop's developer.
    """
    delivery = _pending(job)
    if delivery is not None:
        _record(delivery, environment=environment, status=None, error=reason)


def _pending(job: ClaimedJob) -> WebhookDelivery | None:
    """Return the delivery, held, unless it has ended or its webhook has."""
    with on_platform():
        return (
            WebhookDelivery.objects.select_for_update()
            .select_related("webhook")
            .filter(
                pk=job.payload["delivery_id"],
                state=WebhookDelivery.State.PENDING,
                webhook__disabled_at=None,
            )
            .first()
        )


def _send(delivery: WebhookDelivery, network: Network) -> tuple[int | None, str]:
    """Return the answer's status and, unless it is one of success, what went wrong."""
    webhook = delivery.webhook
    headers = signed_headers(
        secret=webhook.secret,
        message_id=delivery.pk,
        epoch_seconds=int(timezone.now().timestamp()),
        body=delivery.payload,
    )
    headers |= {"Content-Type": "application/json", "User-Agent": "Shelfwise"}
    try:
        status = post(
            webhook.url,
            body=delivery.payload.encode(),
            headers=headers,
            seconds=SECONDS_TO_ANSWER,
            network=network,
        )
    except PostFailedError as failure:
        return None, str(failure)
    except UrlNotAllowed as refusal:
        return None, refusal.detail
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return status, ""
    return status, f"The webhook answered {status}; answer 2xx to a message that you have taken."


def _record(
    delivery: WebhookDelivery, *, environment: Environment, status: int | None, error: str
) -> None:
    now = timezone.now()
    retry_in = RETRIES[delivery.attempts] if delivery.attempts < len(RETRIES) else None
    delivery.attempts += 1
    delivery.last_attempt_at = now
    delivery.response_status = status
    delivery.error = error
    delivery.next_attempt_at = None
    if not error:
        delivery.state = WebhookDelivery.State.DELIVERED
        delivery.webhook.failing_since = None
    else:
        _count_failure(delivery)
        if retry_in is None or delivery.webhook.disabled_at is not None:
            delivery.state = WebhookDelivery.State.FAILED
        else:
            delivery.next_attempt_at = now + retry_in
    with on_platform():
        delivery.webhook.save(update_fields=["failing_since", "disabled_at", "disabled_reason"])
        delivery.save()
    if delivery.next_attempt_at is not None:
        queue_attempt(delivery, environment_id=environment.pk)


def _count_failure(delivery: WebhookDelivery) -> None:
    """Note since when the webhook fails, and disable it where nobody listens any more."""
    webhook, now = delivery.webhook, timezone.now()
    webhook.failing_since = webhook.failing_since or now
    if delivery.response_status == HTTPStatus.GONE:
        webhook.disabled_reason = "It answered 410 Gone."
    elif now - webhook.failing_since >= timedelta(days=FAILING_DAYS):
        webhook.disabled_reason = f"It has taken no message for {FAILING_DAYS} days."
    else:
        return
    webhook.disabled_at = now
