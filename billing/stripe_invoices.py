"""The part of the door to Stripe that money goes through: invoices, their items and credit."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from billing.core.stripe_objects import Invoice, read_invoice
from billing.stripe_connection import StripeConnection


class StripeInvoices(StripeConnection):
    """What was and what will be charged."""

    def add_invoice_item(
        self,
        *,
        customer: str,
        amount_minor: int,
        currency: str,
        description: str,
        hour: str,
        key: str,
    ) -> None:
        """Charge an hour's calls with the next invoice."""
        self._ask(
            lambda: self._client.v1.invoice_items.create(
                {
                    "customer": customer,
                    "amount": amount_minor,
                    "currency": currency.lower(),
                    "description": description,
                    "metadata": {"hour": hour},
                },
                {"idempotency_key": key},
            ),
            "invoiceitem",
        )

    def grant_credit(
        self, *, customer: str, amount_minor: int, currency: str, name: str, key: str
    ) -> str:
        """Give money for metered usage away, once for a key for good.

        Stripe forgets keys after a day, so the grant carries its own.
        """
        grants = self._client.v1.billing.credit_grants
        listed = self._ask(lambda: grants.list({"customer": customer, "limit": 100}), "list")
        for known in listed.auto_paging_iter():
            if known.to_dict()["metadata"].get("key") == key:
                return known.id
        granted = self._ask(
            lambda: grants.create(
                {
                    "customer": customer,
                    "name": name,
                    "category": "promotional",
                    "amount": {
                        "type": "monetary",
                        "monetary": {"currency": currency.lower(), "value": amount_minor},
                    },
                    "applicability_config": {"scope": {"price_type": "metered"}},
                    "metadata": {"key": key},
                },
                {"idempotency_key": key},
            ),
            "billing.credit_grant",
        )
        return granted.id

    def invoices(self, customer: str, *, status: str | None = None) -> list[Invoice]:
        """Return the customer's invoices, newest first, a hundred at most."""
        wanted: Any = {"customer": customer, "limit": 100}
        if status:
            wanted |= {"status": status}
        listed = self._ask(lambda: self._client.v1.invoices.list(wanted), "list")
        return [read_invoice(each.to_dict()) for each in listed.data]

    def invoice(self, identifier: str) -> Invoice:
        """Return an invoice; the first hundred are found by `invoices`, too."""
        found = self._ask(lambda: self._client.v1.invoices.retrieve(identifier), "invoice")
        return read_invoice(found.to_dict())

    def is_metered(self, price: str) -> bool:
        """Say whether a price charges what is used; a price never changes, so it is asked once."""
        known = self._metered
        if price not in known:
            found = self._ask(lambda: self._client.v1.prices.retrieve(price), "price")
            known[price] = bool((found.to_dict()["recurring"] or {}).get("meter"))
        return known[price]

    @cached_property
    def _metered(self) -> dict[str, bool]:
        return {}

    def preview_invoice(self, subscription: str) -> Invoice:
        """Return the next invoice as it would be if its period ended now."""
        previewed = self._ask(
            lambda: self._client.v1.invoices.create_preview({"subscription": subscription}),
            "invoice",
        )
        return read_invoice(previewed.to_dict())
