"""How the staff console looks and what its menu holds: django-unfold's settings."""

from __future__ import annotations

from typing import Any

from django.templatetags.static import static
from django.urls import reverse_lazy


def _page(title: str, icon: str, model: str) -> dict[str, Any]:
    link = reverse_lazy(f"admin:{model}_changelist")
    return {"title": title, "icon": icon, "link": link}


def _group(title: str, *items: dict[str, Any]) -> dict[str, Any]:
    return {"title": title, "separator": True, "items": list(items)}


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Shelfwise staff",
    "SITE_HEADER": "Shelfwise staff",
    "SITE_SYMBOL": "auto_stories",
    "SITE_URL": None,
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("portal/icon.svg")}
    ],
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_BACK_BUTTON": True,
    "BORDER_RADIUS": "6px",
    "STYLES": [lambda request: static("staff/staff.css")],
    # Only tables that are small: what is typed is looked for in whole.
    "COMMAND": {"search_models": ["tenants.tenant", "billing.plan"]},
    "COLORS": {
        "primary": {
            "50": "#eef4fc",
            "100": "#d9e6f8",
            "200": "#b4cdf1",
            "300": "#8db6f9",
            "400": "#7dadf3",
            "500": "#6ba0ee",
            "600": "#1d5ab8",
            "700": "#184a97",
            "800": "#153c78",
            "900": "#122f5d",
            "950": "#0d1a2e",
        }
    },
    "SIDEBAR": {
        "command_search": True,
        "show_all_applications": False,
        "navigation": [
            {
                "items": [
                    {"title": "Overview", "icon": "monitoring", "link": reverse_lazy("admin:index")}
                ]
            },
            _group(
                "Stores",
                _page("Tenants", "storefront", "tenants_tenant"),
                _page("Stores being made", "add_business", "tenants_signup"),
                _page("Schemas", "database", "tenants_environment"),
                _page("API keys", "key", "tenants_apikey"),
                _page("People", "group", "tenants_person"),
            ),
            _group(
                "Money",
                _page("Plans and prices", "sell", "billing_plan"),
                _page("Subscriptions", "contract", "billing_subscription"),
                _page("Invoices", "receipt_long", "billing_invoicerecord"),
                _page("Credits", "redeem", "billing_credit"),
                _page("Stripe events", "webhook", "billing_stripeevent"),
            ),
            _group(
                "Usage",
                _page("Calls by hour", "bar_chart", "billing_usagebucket"),
                _page("Told to Stripe", "outbox", "billing_usagereport"),
                _page("Taken off bills", "remove_circle", "billing_usageadjustment"),
                _page("Usage logs", "description", "billing_usagesource"),
                _page("Shippers", "local_shipping", "billing_usageshipper"),
            ),
            _group(
                "Work",
                _page("Jobs", "work_history", "tenants_job"),
                _page("Trainings", "model_training", "tenants_trainingrecord"),
                _page("Webhooks", "link", "tenants_webhook"),
                _page("Webhook deliveries", "send", "tenants_webhookdelivery"),
            ),
            _group("Record", _page("Audit log", "history_edu", "tenants_auditevent")),
        ],
    },
}
