"""Keeps a row for each invoice of a store, so that staff see those of all stores in one list."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import transaction

from billing.core.stripe_objects import Invoice
from billing.models.invoice_record import InvoiceRecord
from billing.models.subscription import Subscription
from billing.stripe_gateway import gateway
from tenants.context import on_platform

_CHANGING = (
    *("number", "status", "total_minor", "due_minor", "period_start", "period_end", "url"),
    "mirrored_at",
)


def mirror_invoices(*, customer: str) -> None:
    """Write down a customer's newest hundred invoices as Stripe has them now.

    Stripe is asked while the subscription's row is locked, so that of two that run at once the
    later one has the later answer.

    Parameters
    ----------
    customer
        Stripe's id; one that we do not know is left alone.

    Raises
    ------
    BillingUnavailable
        Stripe is away; nothing has changed.
    """
    with on_platform(), transaction.atomic():
        row = Subscription.objects.select_for_update().filter(stripe_customer_id=customer).first()
        if row is None:
            return
        found = gateway().invoices(customer)
        records = [_record(row.pk, each) for each in found]
        InvoiceRecord.objects.bulk_create(
            records, update_conflicts=True, unique_fields=["id"], update_fields=_CHANGING
        )
        # Only drafts can go, and what is older than a hundred invoices is none any more.
        drafts = InvoiceRecord.objects.filter(tenant=row.pk, status=InvoiceRecord.Status.DRAFT)
        drafts.exclude(pk__in=[each.pk for each in records]).update(
            status=InvoiceRecord.Status.DELETED
        )


def _record(tenant_id: UUID, invoice: Invoice) -> InvoiceRecord:
    same: dict[str, Any] = {
        name: getattr(invoice, name)
        for name in (
            *("id", "status", "currency", "total_minor", "due_minor"),
            *("period_start", "period_end", "created_at"),
        )
    }
    return InvoiceRecord(
        tenant_id=tenant_id, number=invoice.number or "", url=invoice.url or "", **same
    )
