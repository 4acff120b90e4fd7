"""A store's invoices in the console: as Stripe has them, or why they cannot be seen now."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.test import Client

from billing.core.stripe_objects import Invoice
from billing.models.invoice_record import InvoiceRecord
from billing.selectors.invoices import InvoicePreview
from saas.lib.config import config
from saas.lib.errors import BillingUnavailable
from tenants.models.environment import Environment

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
INVOICE = Invoice(
    id="in_1",
    customer="cus_1",
    number="A-0001",
    status="paid",
    currency="EUR",
    created_at=NOON,
    period_start=NOON,
    period_end=NOON,
    subtotal_minor=4_900,
    total_minor=4_900,
    due_minor=0,
    url="https://stripe.example/in_1",
    lines=(),
)


def page_of(console: Client, store: Environment) -> str:
    answer = console.get(f"/tenants/tenant/{store.tenant_id}/invoices/")
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_store_without_invoices_has_none(console: Client, acorn: Environment) -> None:
    assert "no invoice for this store yet" in page_of(console, acorn)


def test_invoices_are_stripes_and_the_next_one_is_seen_from_both_sides(
    console: Client, acorn: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    preview = InvoicePreview(
        period_start=NOON, period_end=NOON, units=7, charges=(), stripe=INVOICE
    )
    monkeypatch.setattr("saas.staff.admin.invoices", lambda **_: [INVOICE])
    monkeypatch.setattr("saas.staff.admin.preview_invoice", lambda **_: preview)
    text = page_of(console, acorn)
    for shown in ("A-0001", "paid", "49.00 EUR", "https://stripe.example/in_1", "0.00 EUR"):
        assert shown in text


def test_while_stripe_is_away_the_page_says_so(
    console: Client, acorn: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(**_: object) -> None:
        raise BillingUnavailable("Stripe cannot be reached now; try again later.")

    monkeypatch.setattr("saas.staff.admin.invoices", away)
    assert "Stripe cannot be reached now" in page_of(console, acorn)


def test_invoices_of_all_stores_are_one_list_by_status(
    console: Client, acorn: Environment, birch: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    for store, identifier, status in ((acorn, "in_paid", "paid"), (birch, "in_open", "open")):
        InvoiceRecord.objects.create(
            id=identifier,
            tenant_id=store.tenant_id,
            number=f"N-{identifier}",
            status=status,
            currency="EUR",
            total_minor=4_900,
            due_minor=123,
            period_start=NOON,
            period_end=NOON,
            created_at=NOON,
            url=f"https://local.example/{identifier}",
        )
    page = console.get("/billing/invoicerecord/").content.decode()
    for shown in (
        *("Acorn Books", "N-in_paid", "49.00 EUR", "Birch Shoes", "N-in_open", "1.23 EUR"),
        *("2026-11-01 to 2026-11-01", 'href="https://local.example/in_open"'),
    ):
        assert shown in page
    page = console.get("/billing/invoicerecord/?status__exact=open").content.decode()
    assert "N-in_open" in page
    assert "N-in_paid" not in page

    for key, address in (("sk_test_x", "test/invoices/in_open"), ("sk_live_x", "invoices/in_open")):
        real = config().model_copy(update={"stripe_secret_key": key})
        monkeypatch.setattr("billing.admin_invoices.config", lambda real=real: real)
        page = console.get("/billing/invoicerecord/in_open/change/").content.decode()
        assert f'href="https://dashboard.stripe.com/{address}"' in page
