"""Plans and who has which, as staff see them; a price or a limit is changed by a deed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django import forms
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from billing.core.money import as_minor, as_text
from billing.models.credit import Credit
from billing.models.plan import Plan
from billing.models.subscription import Subscription
from billing.services.decide_credit import approve_credit, decline_credit
from billing.services.save_plan import FIELDS, save_plan
from tenants.console import ConsoleAdmin, column
from tenants.deeds import Deed, ReasonForm

SUBSCRIPTION_STATES = {
    "active": "success",
    "trialing": "info",
    "past_due": "danger",
    "unpaid": "danger",
    "paused": "warning",
    "incomplete": "warning",
}
CREDIT_STATES = {
    "waiting": "warning",
    "declined": "default",
    "approved": "info",
    "granted": "success",
}


def _whole(*, is_needed: bool = False, **options: Any) -> forms.IntegerField:
    widget = UnfoldAdminIntegerFieldWidget()
    return forms.IntegerField(min_value=0, required=is_needed, widget=widget, **options)


class PlanForm(ReasonForm):
    """What a plan costs and allows; an empty limit is none."""

    name = forms.CharField(max_length=100, widget=UnfoldAdminTextInputWidget())
    is_offered = forms.BooleanField(
        required=False,
        widget=UnfoldBooleanSwitchWidget(),
        help_text="Whether a store may choose it without asking us.",
    )
    currency = forms.CharField(min_length=3, max_length=3, widget=UnfoldAdminTextInputWidget())
    price = forms.DecimalField(
        min_value=0, widget=UnfoldAdminDecimalFieldWidget(), help_text="Of one month."
    )
    included_calls = _whole(is_needed=True)
    tiers = forms.JSONField(
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}),
        help_text='Prices of a call in minor units: [{"up_to": 1000, "unit_amount_decimal": "0"}, '
        '{"up_to": null, "unit_amount_decimal": "0.05"}].',
    )
    quota = forms.ChoiceField(
        choices=Plan.Quota.choices,
        widget=UnfoldAdminSelectWidget(),
        help_text="Hard: the included calls end. Soft: they go on and are charged.",
    )
    hard_multiple = _whole(help_text="A soft quota ends at so many times the included calls.")
    trial_days = _whole(is_needed=True)
    trial_calls = _whole(is_needed=True)
    rate_per_second = _whole(is_needed=True)
    burst = _whole(is_needed=True)
    catalogue_items = _whole()
    events_per_day = _whole()
    retention_days = _whole(is_needed=True)
    training_seconds = forms.FloatField(min_value=1, widget=UnfoldAdminDecimalFieldWidget())


class ContractForm(PlanForm):
    """A plan of a name of its own."""

    code = forms.SlugField(
        max_length=32,
        widget=UnfoldAdminTextInputWidget(),
        help_text="What the contract is called here and at Stripe: contract-acorn-books.",
    )
    first = ("code",)


def shown_plan(plan: Plan) -> dict[str, Any]:
    """Return what a form begins with."""
    values = {name: getattr(plan, name) for name in FIELDS if name != "price_minor"}
    return {**values, "price": as_text(plan.price_minor, plan.currency)}


def save(code: str, actor: str, given: Mapping[str, Any]) -> None:
    """Save a plan from its form's values."""
    fields = {name: given[name] for name in FIELDS if name != "price_minor"}
    fields["currency"] = given["currency"].upper()
    fields["price_minor"] = as_minor(given["price"], fields["currency"])
    save_plan(code=code, fields=fields, actor=actor, reason=given["reason"])


def _change(plan: Plan, actor: str, given: Mapping[str, Any]) -> str:
    save(plan.code, actor, given)
    return f"{given['name']} is changed; its stores have the new limits within seconds."


def _copy(plan: Plan, actor: str, given: Mapping[str, Any]) -> str:
    save(given["code"], actor, given)
    return f"The plan {given['code']} is there; give it to a store on the store's page."


class PlanAdmin(ConsoleAdmin):
    """What is sold."""

    list_display = (
        *("code", "name", "price", "included_calls", "quota", "rate_per_second"),
        *("catalogue_items", "is_offered", "is_at_stripe"),
    )
    list_filter = ("is_offered", "quota")
    search_fields = ("code", "name")
    ordering = ("price_minor", "code")
    deeds: ClassVar[tuple[Deed, ...]] = (
        Deed(
            name="change",
            title="Change price and limits",
            says="Limits act on the plan's stores within seconds. A new price is for who chooses "
            "the plan from now on; who has bought it at another price keeps that.",
            do=_change,
            form=PlanForm,
            initial=shown_plan,
        ),
        Deed(
            name="copy",
            title="Make a contract of it",
            says="Makes a plan of its own with what was agreed with one store: other limits, "
            "another price. It is not offered to others unless you say so.",
            do=_copy,
            form=ContractForm,
            initial=lambda plan: {**shown_plan(plan), "is_offered": False},
        ),
    )

    @column("price of a month", ordering="price_minor")
    def price(self, plan: Plan) -> str:
        """Return the price with its currency."""
        return f"{as_text(plan.price_minor, plan.currency)} {plan.currency}"

    @column("at Stripe", boolean=True)
    def is_at_stripe(self, plan: Plan) -> bool:
        """Say whether Stripe knows the plan's prices, so that it can be bought."""
        return bool(plan.stripe_metered_price_id)


class SubscriptionAdmin(ConsoleAdmin):
    """Which store has which plan, and how it stands with paying."""

    list_display = (
        *("tenant", "plan", "shown_state", "next_plan", "current_period_end", "spend_cap"),
        *("past_due_since", "cancel_at_period_end"),
    )
    list_filter = ("state", "plan")
    search_fields = ("tenant__name", "tenant__slug", "=stripe_customer_id")
    list_select_related = ("tenant", "plan", "next_plan")

    @column("state", label=SUBSCRIPTION_STATES, ordering="state")
    def shown_state(self, subscription: Subscription) -> str:
        """Return Stripe's status."""
        return subscription.state

    @column("spend cap")
    def spend_cap(self, subscription: Subscription) -> str:
        """Return what the store pays at most."""
        if subscription.spend_cap_minor is None:
            return "none"
        amount = as_text(subscription.spend_cap_minor, subscription.currency)
        return f"{amount} {subscription.currency}"


def _approve(credit: Credit, actor: str, given: Mapping[str, Any]) -> str:
    approve_credit(credit_id=credit.pk, actor=actor, reason=given["reason"])
    return f"{_amount(credit)} for {credit.tenant} approved; Stripe hears of it within seconds."


def _decline(credit: Credit, actor: str, given: Mapping[str, Any]) -> str:
    decline_credit(credit_id=credit.pk, actor=actor, reason=given["reason"])
    return f"{_amount(credit)} for {credit.tenant} declined."


def _amount(credit: Credit) -> str:
    return f"{as_text(credit.amount_minor, credit.currency)} {credit.currency}"


class CreditAdmin(ConsoleAdmin):
    """What was given to stores, and by whose word."""

    list_display = (
        *("asked_at", "tenant", "amount", "shown_state", "asked_by", "decided_by", "reason"),
    )
    list_filter = ("state",)
    search_fields = ("tenant__name", "tenant__slug")
    list_select_related = ("tenant",)
    ordering = ("-asked_at",)
    deeds: ClassVar[tuple[Deed, ...]] = (
        Deed(
            name="approve",
            title="Approve",
            says="The store has the credit from Stripe's next invoice on. Who asked for it cannot "
            "approve it.",
            do=_approve,
            is_offered=lambda credit: credit.state == Credit.State.WAITING,
        ),
        Deed(
            name="decline",
            title="Decline",
            says="Nothing is given; who asked for it sees why here.",
            do=_decline,
            is_offered=lambda credit: credit.state == Credit.State.WAITING,
            is_dangerous=True,
        ),
    )

    @column("state", label=CREDIT_STATES, ordering="state")
    def shown_state(self, credit: Credit) -> str:
        """Return how it stands with it."""
        return credit.state

    @column("amount")
    def amount(self, credit: Credit) -> str:
        """Return the amount with its currency."""
        return _amount(credit)
