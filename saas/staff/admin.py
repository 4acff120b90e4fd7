"""What spans domains in the console: a store with its plan and money, a job with its repair."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, ClassVar

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from typing_extensions import override

from billing.core.money import as_text
from billing.selectors.invoices import invoices, preview_invoice
from saas.lib.errors import BillingUnavailable, NotFound
from saas.staff.job_deeds import DeadLetterAdmin
from saas.staff.life_deeds import CREATE, LIFE_DEEDS, VISIT
from saas.staff.store_deeds import MONEY_DEEDS
from saas.staff.store_page import store_page
from tenants.admin_stores import TenantAdmin
from tenants.console import ConsoleAdmin, column
from tenants.deeds import Deed
from tenants.models.job import Job
from tenants.models.sign_up import SignUp
from tenants.models.tenant import Tenant
from tenants.selectors.deletion import deletion_due

_MADE = {"done": "success", "failed": "danger", "unconfirmed": "default"}


@admin.register(Tenant)
class StoreAdmin(TenantAdmin):
    """A store, and all that staff can do for it."""

    deeds: ClassVar[tuple[Deed, ...]] = (
        VISIT,
        *TenantAdmin.deeds,
        *MONEY_DEEDS,
        *LIFE_DEEDS,
    )
    list_deeds: ClassVar[tuple[Deed, ...]] = (CREATE,)
    change_form_outer_before_template = "staff/store_links.html"
    change_form_outer_after_template = "staff/store.html"

    @override
    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Any:
        tenant = super().get_object(request, object_id, from_field)
        if tenant is not None and not hasattr(tenant, "deletion_due"):
            tenant.deletion_due = deletion_due(tenant_id=tenant.pk)
        return tenant

    @override
    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.invoices_view)
        own = path("<path:object_id>/invoices/", view, name="tenants_tenant_invoices")
        return [own, *super().get_urls()]

    @override
    def page_context(self, row: Tenant) -> dict[str, Any]:
        return store_page(row)

    def invoices_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show a store's invoices as Stripe has them now, and the next one as both sides see it."""
        tenant = self.get_object(request, object_id)
        if tenant is None:
            raise Http404
        context = {
            **self.admin_site.each_context(request),
            **_invoices(tenant),
            "title": f"Invoices of {tenant.name}",
            "opts": self.model._meta,
            "back": reverse("admin:tenants_tenant_change", args=[object_id]),
        }
        return TemplateResponse(request, "staff/invoices.html", context)


def _invoices(tenant: Tenant) -> dict[str, Any]:
    preview = None
    try:
        found = invoices(tenant_id=tenant.pk)
        with suppress(NotFound):
            preview = preview_invoice(tenant_id=tenant.pk)
    except BillingUnavailable as error:
        return {"problem": error.detail}
    shown: dict[str, Any] = {
        "rows": [
            {
                "invoice": invoice,
                "total": f"{as_text(invoice.total_minor, invoice.currency)} {invoice.currency}",
                "due": f"{as_text(invoice.due_minor, invoice.currency)} {invoice.currency}",
            }
            for invoice in found
        ]
    }
    if preview is not None:
        currency = preview.stripe.currency
        shown |= {
            "preview": preview,
            "our_calls": f"{as_text(preview.calls_minor, currency)} {currency}",
            "their_total": f"{as_text(preview.stripe.total_minor, currency)} {currency}",
        }
    return shown


@admin.register(SignUp)
class SignUpAdmin(ConsoleAdmin):
    """Stores that are being made, or were; the page of one shows how far it is."""

    list_display = ("created_at", "name", "shown_state", "tenant", "actor", "reason", "error")
    list_filter = ("state",)
    search_fields = ("name", "actor")
    list_select_related = ("tenant",)
    ordering = ("-id",)
    list_deeds: ClassVar[tuple[Deed, ...]] = (CREATE,)
    change_form_outer_before_template = "staff/sign_up.html"
    exclude = ("key_shown_at",)

    @column("state", label=_MADE, ordering="state")
    def shown_state(self, sign_up: SignUp) -> str:
        """Return how far it is."""
        return sign_up.state

    @override
    def page_context(self, row: SignUp) -> dict[str, Any]:
        return {"sign_up": row, "sign_up_is_made": row.state in _MADE}


admin.site.register(Job, DeadLetterAdmin)
