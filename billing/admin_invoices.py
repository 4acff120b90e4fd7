"""Invoices of all stores, as Stripe last told us of them."""

from __future__ import annotations

from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from billing.core.money import as_text
from billing.models.invoice_record import InvoiceRecord
from saas.lib.config import config
from tenants.console import ConsoleAdmin, column

INVOICE_STATES = {
    "open": "warning",
    "paid": "success",
    "uncollectible": "danger",
}


class InvoiceRecordAdmin(ConsoleAdmin):
    """What was charged; the lines of an invoice are on its store's page, and at Stripe."""

    list_display = (
        *("created_at", "tenant", "__str__", "shown_status", "total", "due", "period"),
        "at_stripe",
    )
    list_filter = ("status", ("tenant", AutocompleteSelectFilter))
    search_fields = ("=id", "=number", "tenant__slug")
    search_help_text = "An invoice's id or number, or a store."
    list_select_related = ("tenant",)
    ordering = ("-created_at",)
    readonly_fields = ("shown_status", "total", "due", "at_stripe")
    exclude = ("status", "total_minor", "due_minor", "url")
    is_endless = True

    @column("status", label=INVOICE_STATES, ordering="status")
    def shown_status(self, invoice: InvoiceRecord) -> str:
        """Return Stripe's status."""
        return invoice.status

    @column("total", ordering="total_minor")
    def total(self, invoice: InvoiceRecord) -> str:
        """Return what it charges."""
        return _amount(invoice.total_minor, invoice.currency)

    @column("due", ordering="due_minor")
    def due(self, invoice: InvoiceRecord) -> str:
        """Return what was to be paid once credit was taken off."""
        return _amount(invoice.due_minor, invoice.currency)

    @column("period", ordering="period_start")
    def period(self, invoice: InvoiceRecord) -> str:
        """Return the period that it is for."""
        return f"{invoice.period_start:%Y-%m-%d} to {invoice.period_end:%Y-%m-%d}"

    @column("at Stripe")
    def at_stripe(self, invoice: InvoiceRecord) -> SafeString:
        """Return a link to the invoice itself."""
        return format_html('<a href="{}" rel="noreferrer">{}</a>', _page(invoice), invoice.pk)


def _amount(minor: int, currency: str) -> str:
    return f"{as_text(minor, currency)} {currency}"


def _page(invoice: InvoiceRecord) -> str:
    key = config().stripe_secret_key
    if key is None:
        # A local Stripe has no dashboard; its page of an invoice shows all there is.
        return invoice.url
    mode = "test/" if "_test_" in key else ""
    return f"https://dashboard.stripe.com/{mode}invoices/{invoice.pk}"
