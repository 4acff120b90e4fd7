"""The pages of a store's webhooks: where it hears of what happens, and what it was told."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from saas.lib.errors import ShelfwiseError
from saas.portal.roles import Right
from saas.portal.visit import Visit, environment_page
from tenants.context import in_environment
from tenants.models.webhook import EVENT_TYPES
from tenants.selectors.webhooks import deliveries, webhook_of, webhooks
from tenants.services.create_webhook import MAX_WEBHOOKS, create_webhook
from tenants.services.delete_webhook import delete_webhook

_SHOWN_DELIVERIES = 50


class WebhookForm(forms.Form):
    """Where to send messages, and of what."""

    url = forms.CharField(
        label="Address",
        max_length=2_000,
        help_text="https, on the public internet, such as https://www.example.com/shelfwise.",
    )
    events = forms.MultipleChoiceField(
        label="Tell it of",
        choices=[(each, each) for each in EVENT_TYPES],
        initial=EVENT_TYPES,
        widget=forms.CheckboxSelectMultiple,
    )


@environment_page(Right.CHANGE_SETTINGS)
def webhook_list(request: HttpRequest, visit: Visit) -> HttpResponse:
    """List the webhooks, and make a new one, whose secret is shown this once."""
    form = WebhookForm(request.POST or None)
    if form.is_valid():
        try:
            with in_environment(visit.environment):
                webhook = create_webhook(
                    environment=visit.environment, actor=visit.actor, **form.cleaned_data
                )
        except ShelfwiseError as error:
            form.add_error("url", error.detail)
        else:
            return visit.render("portal/settings/webhook_created.html", {"webhook": webhook})
    rows = webhooks(environment_id=visit.environment.pk, after=None, limit=MAX_WEBHOOKS)
    return visit.render("portal/settings/webhooks.html", {"form": form, "webhooks": rows})


@environment_page(Right.CHANGE_SETTINGS)
def webhook_detail(request: HttpRequest, visit: Visit, webhook_id: str) -> HttpResponse:
    """Show a webhook and its last messages."""
    webhook = webhook_of(environment_id=visit.environment.pk, webhook_id=webhook_id)
    sent = deliveries(webhook=webhook, before=None, limit=_SHOWN_DELIVERIES)
    return visit.render("portal/settings/webhook.html", {"webhook": webhook, "deliveries": sent})


@require_POST
@environment_page(Right.CHANGE_SETTINGS)
def remove_webhook(request: HttpRequest, visit: Visit, webhook_id: str) -> HttpResponse:
    """Delete a webhook with the record of its messages."""
    with in_environment(visit.environment):
        delete_webhook(environment=visit.environment, actor=visit.actor, webhook_id=webhook_id)
    messages.success(request, "The webhook is deleted; nothing more is sent to it.")
    return redirect("webhooks", environment=visit.environment.kind)
