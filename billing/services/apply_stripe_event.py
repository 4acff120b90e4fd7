"""Acts on a stored event of Stripe's: asks Stripe how things are now, whatever the event says."""

from __future__ import annotations

from typing import Any

import orjson
import structlog
from django.db import transaction
from django.utils import timezone

from billing.models.stripe_event import StripeEvent
from billing.models.usage_report import UsageReport
from billing.services.mirror_invoices import mirror_invoices
from billing.services.sync_subscription import sync_subscription
from billing.stripe_gateway import gateway
from tenants.context import on_platform

_log = structlog.get_logger()

# What changes a subscription or how it stands with paying for it. Others are kept, and no more.
_OF_INVOICES = "invoice."
_OF_SUBSCRIPTIONS = ("customer.subscription.", "checkout.session.", _OF_INVOICES)
_OF_METERS = "v1.billing.meter."


def apply_stripe_event(*, event_id: str) -> None:
    """Do what an event asks for; a second time does no harm.

    Parameters
    ----------
    event_id
        A stored event's.

    Raises
    ------
    BillingUnavailable
        Stripe cannot be asked now; the event stays unprocessed.
    """
    with on_platform():
        event = StripeEvent.objects.get(pk=event_id)
    if event.processed_at is not None:
        return
    if event.type.startswith(_OF_SUBSCRIPTIONS):
        customer = orjson.loads(event.body)["data"]["object"].get("customer")
        if customer:
            sync_subscription(customer=customer)
            if event.type.startswith(_OF_INVOICES):
                mirror_invoices(customer=customer)
    elif event.type.startswith(_OF_METERS):
        _note_rejected_usage(gateway().thin_event(event_id))
    with on_platform():
        StripeEvent.objects.filter(pk=event_id).update(processed_at=timezone.now())


def _note_rejected_usage(event: dict[str, Any]) -> None:
    """Mark the reports that Stripe took with a 200 and then could not count."""
    for kind in event["data"]["reason"]["error_types"]:
        for sample in kind["sample_errors"]:
            _reject(str(sample["request"]["identifier"]), reason=kind["code"])


def _reject(identifier: str, *, reason: str) -> None:
    with on_platform(), transaction.atomic():
        report = _report_of(identifier)
        if report is None or report.state == UsageReport.State.REJECTED:
            return
        UsageReport.objects.filter(pk=report.pk).update(
            state=UsageReport.State.REJECTED, error=reason
        )
    _log.error("usage_report_rejected", report=identifier, reason=reason)


def _report_of(identifier: str) -> UsageReport | None:
    match identifier.split("."):
        case ["rec", tenant, hour, revision]:
            found = UsageReport.objects.filter(tenant_id=tenant, revision=int(revision))
            return next((each for each in found if f"{each.hour:%Y%m%d%H}" == hour), None)
    return None
