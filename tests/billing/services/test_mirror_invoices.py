"""Invoices of all stores in rows of our own: as Stripe has them, after any event and each night."""

from __future__ import annotations

import json
from typing import Any

import pytest

from billing.models.invoice_record import InvoiceRecord
from billing.models.subscription import Subscription
from billing.services.apply_stripe_event import apply_stripe_event
from billing.services.mirror_invoices import mirror_invoices
from billing.services.receive_stripe_event import store_stripe_event
from billing.services.resync_stripe import resync_stripe
from billing.stripe_gateway import gateway
from saas.lib.errors import BillingUnavailable
from tenants.models.environment import Environment


def records(customer: Any) -> dict[str, tuple[str, int]]:
    """Return the status and the total of each invoice that we know of."""
    rows = InvoiceRecord.objects.filter(tenant=customer.tenant_id)
    return {row.pk: (row.status, row.total_minor) for row in rows}


def at_stripe(customer: Any) -> dict[str, tuple[str, int]]:
    """Return the same of Stripe's."""
    return {each.id: (each.status, each.total_minor) for each in gateway().invoices(customer.id)}


def tell(customer: Any, kind: str) -> None:
    """Have a webhook about the customer arrive and be acted on."""
    body = json.dumps({"data": {"object": {"customer": customer.id}}})
    store_stripe_event(identifier=f"evt_{kind}", kind=kind, body=body)
    apply_stripe_event(event_id=f"evt_{kind}")


def test_an_event_of_an_invoice_brings_what_stripe_has_now(acorn_customer: Any) -> None:
    tell(acorn_customer, "customer.subscription.updated")
    assert records(acorn_customer) == {}
    tell(acorn_customer, "invoice.paid")
    assert records(acorn_customer) == at_stripe(acorn_customer)
    assert [status for status, _ in records(acorn_customer).values()] == ["paid"]

    acorn_customer.end_period()
    tell(acorn_customer, "invoice.finalized")
    assert records(acorn_customer) == at_stripe(acorn_customer)
    assert len(records(acorn_customer)) == 2


def test_an_invoice_that_has_changed_is_the_same_row(acorn_customer: Any) -> None:
    mirror_invoices(customer=acorn_customer.id)
    InvoiceRecord.objects.filter(tenant=acorn_customer.tenant_id).update(
        status="open", due_minor=1, number=""
    )
    before = InvoiceRecord.objects.get(tenant=acorn_customer.tenant_id)
    mirror_invoices(customer=acorn_customer.id)
    (invoice,) = gateway().invoices(acorn_customer.id)
    row = InvoiceRecord.objects.get(tenant=acorn_customer.tenant_id)
    assert (row.status, row.due_minor, row.number) == ("paid", invoice.due_minor, invoice.number)
    assert (row.currency, row.period_end, row.url) == ("EUR", invoice.period_end, invoice.url)
    assert row.mirrored_at != before.mirrored_at


def test_a_draft_that_stripe_has_dropped_is_deleted_and_nobody_elses(
    acorn_customer: Any, birch: Environment
) -> None:
    mirror_invoices(customer=acorn_customer.id)
    known = InvoiceRecord.objects.get(tenant=acorn_customer.tenant_id)
    for identifier, tenant, status in (
        ("in_draft", acorn_customer.tenant_id, "draft"),
        ("in_old", acorn_customer.tenant_id, "paid"),
        ("in_birch", birch.tenant_id, "draft"),
    ):
        known.pk, known.tenant_id, known.status = identifier, tenant, status
        known.save(force_insert=True)

    mirror_invoices(customer=acorn_customer.id)

    states = InvoiceRecord.objects.filter(pk__in=["in_draft", "in_old", "in_birch"])
    assert dict(states.values_list("pk", "status")) == {
        "in_draft": "deleted",
        "in_old": "paid",
        "in_birch": "draft",
    }


def test_the_nightly_look_brings_invoices_that_no_webhook_brought(acorn_customer: Any) -> None:
    resync_stripe()
    assert records(acorn_customer) == at_stripe(acorn_customer) != {}


def test_nothing_is_known_of_a_customer_of_somebody_else(acorn_customer: Any) -> None:
    known = acorn_customer.id
    Subscription.objects.filter(pk=acorn_customer.tenant_id).update(stripe_customer_id="cus_x")
    mirror_invoices(customer=known)
    assert records(acorn_customer) == {}


def test_while_stripe_is_away_the_rows_stay_as_they_are(acorn_customer: Any) -> None:
    mirror_invoices(customer=acorn_customer.id)
    before = records(acorn_customer)
    acorn_customer.stripe.post_switches(faults=["503"] * 3)
    with pytest.raises(BillingUnavailable):
        mirror_invoices(customer=acorn_customer.id)
    assert records(acorn_customer) == before
