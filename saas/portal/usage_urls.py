"""The routes of what a store uses and pays."""

from __future__ import annotations

from django.urls import path

from saas.portal.pages.invoices import hour_calls, invoice, invoice_list
from saas.portal.pages.usage import usage
from saas.portal.pages.usage_changes import cancel_plan, change_cap, change_plan, open_stripe

urlpatterns = [
    path("", usage, name="usage"),
    path("plan/", change_plan, name="usage-plan"),
    path("cap/", change_cap, name="usage-cap"),
    path("cancel/", cancel_plan, name="usage-cancel"),
    path("stripe/", open_stripe, name="usage-stripe"),
    path("invoices/", invoice_list, name="usage-invoices"),
    path("invoices/<str:invoice_id>/", invoice, name="usage-invoice"),
    path("hours/<str:hour>/", hour_calls, name="usage-hour"),
]
