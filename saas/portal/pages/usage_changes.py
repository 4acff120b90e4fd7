"""What a store's owner or finance changes: plan, cap, cancelling, and the way to Stripe's pages."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from billing.selectors.account import Account, account
from billing.services.change_spend_cap import change_spend_cap
from billing.services.change_subscription import set_cancellation
from billing.services.choose_plan import choose_plan
from billing.services.start_checkout import open_billing_portal
from saas.lib.errors import InvalidParameter
from saas.portal.pages.usage import render_usage
from saas.portal.roles import Right
from saas.portal.status_sentence import shown
from saas.portal.visit import Visit, store_page
from tenants.context import on_platform


@require_POST
@store_page(Right.CHANGE_BILLING)
def change_plan(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Change the plan, or lead to where it is bought."""
    url = choose_plan(
        tenant_id=visit.tenant.pk,
        plan_code=request.POST.get("plan", ""),
        actor=visit.actor,
        success_url=request.build_absolute_uri(f"{reverse('usage')}?bought=1"),
        cancel_url=request.build_absolute_uri(reverse("usage")),
    )
    if url is not None:
        return _leave(visit, url, "Checkout at Stripe")
    stands = _account(visit)
    if stands.next_plan is not None:
        sentence = f"The plan changes with the next period, on {shown(stands.period_end)}."
    else:
        sentence = "The plan is changed; its limits take effect within seconds."
    messages.success(request, sentence)
    return redirect("usage")


@require_POST
@store_page(Right.CHANGE_BILLING)
def change_cap(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Set what a period may cost at most; an empty field lifts the cap."""
    text = request.POST.get("amount", "").strip()
    currency = _account(visit).currency
    try:
        change_spend_cap(
            tenant_id=visit.tenant.pk,
            amount=_read_amount(text),
            currency=currency,
            actor=visit.actor,
        )
    except InvalidParameter as error:
        return render_usage(visit, cap=text, cap_error=error.detail, status=422)
    messages.success(
        request,
        f"The spend cap is {text} {currency} a period." if text else "The spend cap is lifted.",
    )
    return redirect("usage")


@require_POST
@store_page(Right.CHANGE_BILLING)
def cancel_plan(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Have the plan end with its period, or go on after all."""
    is_wanted = request.POST.get("resume") is None
    set_cancellation(tenant_id=visit.tenant.pk, is_wanted=is_wanted, actor=visit.actor)
    end = shown(_account(visit).period_end)
    messages.success(
        request,
        f"The plan ends on {end}; it can be resumed until then."
        if is_wanted
        else "The plan goes on.",
    )
    return redirect("usage")


@require_POST
@store_page(Right.CHANGE_BILLING)
def open_stripe(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Lead to Stripe's pages for cards and invoices."""
    url = open_billing_portal(
        tenant_id=visit.tenant.pk, return_url=request.build_absolute_uri(reverse("usage"))
    )
    return _leave(visit, url, "Card and invoices at Stripe")


def _leave(visit: Visit, url: str, place: str) -> HttpResponse:
    # A redirect would be a form's way to another host, which form-action forbids.
    return visit.render("portal/usage/leave.html", {"url": url, "place": place})


def _read_amount(text: str) -> Decimal | None:
    if not text:
        return None
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal("NaN")
    # As in the API: no more than a bank would print.
    if not amount.is_finite() or not 0 <= amount < Decimal(10) ** 12:
        raise InvalidParameter(
            f"The cap is '{text[:60]}'; write an amount such as 120 or 120.50, or nothing for none."
        )
    return amount


def _account(visit: Visit) -> Account:
    with on_platform():
        return account(tenant_id=visit.tenant.pk, environment_id=visit.live.pk, now=timezone.now())
