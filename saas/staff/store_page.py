"""What a store's page says beside its row: its period, its exports, and where the rest is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils import timezone

from billing.core.money import as_text
from billing.selectors.account import Account, account
from saas.lifecycle.request_store_export import store_exports
from tenants.models.environment import Environment
from tenants.models.tenant import Tenant


@dataclass(frozen=True, slots=True)
class Fact:
    """A line of a store's account."""

    name: str
    value: str


def store_page(tenant: Any) -> dict[str, Any]:
    """Return what the page shows; run on the platform."""
    if tenant.status == Tenant.Status.DELETED:
        return {"store_links": [_link("Audit log", "tenants_auditevent", tenant=tenant.pk)]}
    live = Environment.objects.get(tenant=tenant, kind=Environment.Kind.LIVE)
    now = timezone.now()
    return {
        "deletion_due": tenant.deletion_due,
        "exports": store_exports(environment_id=live.pk),
        "facts": _facts(account(tenant_id=tenant.pk, environment_id=live.pk, now=now)),
        "store_links": [
            ("Invoices", reverse("admin:tenants_tenant_invoices", args=[tenant.pk])),
            _link("API keys", "tenants_apikey", q=tenant.slug),
            _link("Trainings", "tenants_trainingrecord", q=tenant.slug),
            _link("Webhook deliveries", "tenants_webhookdelivery", q=tenant.slug),
            _link("Jobs of live", "tenants_job", environment=live.pk),
            _link("Calls of live by hour", "billing_usagebucket", q=live.pk),
            _link("Told to Stripe", "billing_usagereport", tenant=tenant.pk),
            _link("Audit log", "tenants_auditevent", tenant=tenant.pk),
        ],
    }


def _link(title: str, model: str, **filters: object) -> tuple[str, str]:
    query = "&".join(
        f"{name if name == 'q' else f'{name}__id__exact'}={value}"
        for name, value in filters.items()
    )
    return title, f"{reverse(f'admin:{model}_changelist')}?{query}"


def _facts(state: Account) -> list[Fact]:
    currency = state.currency

    def money(minor: int | None) -> str:
        return (
            "none"
            if minor is None or currency is None
            else f"{as_text(minor, currency)} {currency}"
        )

    limit = "none" if state.call_limit is None else f"{state.call_limit:,}"
    included = "no plan" if state.included is None else f"{state.included:,}"
    return [
        Fact("Plan", f"{state.plan} ({state.state})"),
        Fact("Period", f"{state.period_start:%Y-%m-%d} to {state.period_end:%Y-%m-%d} UTC"),
        Fact("Calls used", f"{state.used:,} of {included} included, {state.overage:,} beyond"),
        Fact("Calls end at", limit),
        Fact("Projected", f"{state.projected:,} calls, {money(state.projected_spend_minor)}"),
        Fact("Spent so far", money(state.spend_minor)),
        Fact("Spend cap", money(state.spend_cap_minor)),
        Fact("Counted up to", f"{state.as_of:%Y-%m-%d %H:%M} UTC"),
    ]
