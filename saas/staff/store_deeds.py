"""What staff can do for a store beside suspending it: its plan, its money, its limits."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import UTC
from typing import Any

from django import forms
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from billing.core.money import as_minor
from billing.models.plan import Plan
from billing.models.subscription import Subscription
from billing.services.assign_plan import assign_plan
from billing.services.change_spend_cap import change_spend_cap
from billing.services.change_subscription import change_subscription
from billing.services.comp_usage import comp_usage
from billing.services.grant_credit import grant_credit
from billing.services.save_plan import FIELDS, save_plan
from saas.lib.errors import Conflict, InvalidParameter
from tenants.deeds import Deed, ReasonForm
from tenants.models.tenant import Tenant

# Of a plan, as its table has it.
_LONGEST_CODE = 32


class PlanForm(ReasonForm):
    """Which plan; a contract is a plan of its own."""

    plan = forms.ModelChoiceField(
        queryset=Plan.objects.order_by("price_minor", "code"), widget=UnfoldAdminSelectWidget()
    )
    is_trial = forms.BooleanField(
        required=False,
        label="As a trial",
        widget=UnfoldBooleanSwitchWidget(),
        help_text="For the plan's trial days and calls, after which the store has to buy it.",
    )


def _limit(label: str, *, is_needed: bool = True, hint: str = "") -> forms.IntegerField:
    widget = UnfoldAdminIntegerFieldWidget()
    return forms.IntegerField(
        label=label, min_value=1, required=is_needed, widget=widget, help_text=hint
    )


class LimitsForm(ReasonForm):
    """What one store may do, unlike others of its plan."""

    included_calls = _limit("Included calls in a period")
    rate_per_second = _limit("Calls per second")
    burst = _limit("Burst of calls")
    catalogue_items = _limit("Items", is_needed=False, hint="Empty: no limit.")
    events_per_day = _limit("Events a day", is_needed=False, hint="Empty: no limit.")
    retention_days = _limit("Days that events are kept")
    training_seconds = _limit("Seconds for a training")


class CapForm(ReasonForm):
    """How much at most."""

    amount = forms.DecimalField(
        required=False,
        min_value=0,
        widget=UnfoldAdminDecimalFieldWidget(),
        help_text="Of a period, the plan's price included, in the store's currency. Empty: no cap.",
    )


class CreditForm(ReasonForm):
    """How much; the key lets one form give once, however often it is sent."""

    amount = forms.DecimalField(
        min_value=0,
        widget=UnfoldAdminDecimalFieldWidget(),
        help_text="In the store's currency. Over 1,000 in 30 days a second person decides.",
    )
    key = forms.CharField(widget=forms.HiddenInput())


class CompForm(ReasonForm):
    """Which hour, how many calls."""

    hour = forms.DateTimeField(
        widget=UnfoldAdminTextInputWidget(),
        help_text="Any moment of the UTC hour: 2026-11-21 14:00",
    )
    units = forms.IntegerField(
        min_value=1, widget=UnfoldAdminIntegerFieldWidget(), label="Calls taken off"
    )


def _subscription(tenant: Tenant) -> Subscription:
    found = Subscription.objects.filter(pk=tenant.pk).first()
    if found is None:
        raise Conflict(f"{tenant.name} has no plan, so it pays for nothing; give it a plan first.")
    return found


def _give_plan(tenant: Tenant, actor: str, given: Mapping[str, Any]) -> str:
    plan, reason = given["plan"], given["reason"]
    current = Subscription.objects.filter(pk=tenant.pk).first()
    if current is not None and current.stripe_subscription_id:
        change_subscription(tenant_id=tenant.pk, plan_code=plan.code, actor=actor, reason=reason)
        return (
            f"{tenant.name} changes to {plan.name} at Stripe; a smaller plan with the next period."
        )
    assign_plan(
        tenant_id=tenant.pk,
        plan_code=plan.code,
        actor=actor,
        reason=reason,
        is_trial=given["is_trial"],
    )
    return f"{tenant.name} has {plan.name} now."


def _set_limits(tenant: Tenant, actor: str, given: Mapping[str, Any]) -> str:
    plan, reason = _subscription(tenant).plan, given["reason"]
    contract = f"contract-{tenant.slug}"[:_LONGEST_CODE]
    terms = {name: getattr(plan, name) for name in FIELDS}
    terms |= {"name": f"{tenant.name}'s contract"[:100], "is_offered": False}
    limits = {name: given[name] for name in LimitsForm.base_fields if name != "reason"}
    save_plan(code=contract, fields={**terms, **limits}, actor=actor, reason=reason)
    if plan.code == contract:
        return f"{tenant.name} has the new limits within seconds."
    is_trial = _subscription(tenant).state == Subscription.State.TRIALING
    given_plan = {"plan": Plan.objects.get(pk=contract), "is_trial": is_trial, "reason": reason}
    return f"{_give_plan(tenant, actor, given_plan)} It has the limits of this contract alone."


def _limits_now(tenant: Tenant) -> dict[str, Any]:
    found = Subscription.objects.select_related("plan").filter(pk=tenant.pk).first()
    if found is None:
        return {}
    return {name: getattr(found.plan, name) for name in LimitsForm.base_fields if name != "reason"}


def _cap(tenant: Tenant, actor: str, given: Mapping[str, Any]) -> str:
    currency = _subscription(tenant).currency
    change_spend_cap(
        tenant_id=tenant.pk,
        amount=given["amount"],
        currency=currency,
        actor=actor,
        reason=given["reason"],
    )
    if given["amount"] is None:
        return f"{tenant.name} has no spend cap any more."
    return f"{tenant.name} spends at most {given['amount']} {currency} in a period."


def _credit(tenant: Tenant, actor: str, given: Mapping[str, Any]) -> str:
    currency = _subscription(tenant).currency
    try:
        amount_minor = as_minor(given["amount"], currency)
    except ValueError as error:
        raise InvalidParameter(str(error), pointer="/amount") from None
    state = grant_credit(
        tenant_id=tenant.pk,
        amount_minor=amount_minor,
        actor=actor,
        reason=given["reason"],
        key=given["key"],
    )
    shown = f"{given['amount']} {currency} for {tenant.name}"
    if state == "waiting":
        return f"{shown}: asked for. Somebody else of staff has to approve it, under Credits."
    return f"{shown}: {state}. It is used from Stripe's next invoice on."


def _comp(tenant: Tenant, actor: str, given: Mapping[str, Any]) -> str:
    comp_usage(
        tenant_id=tenant.pk,
        hour=given["hour"].astimezone(UTC),
        units=given["units"],
        actor=actor,
        reason=given["reason"],
    )
    return f"{given['units']:,} calls are taken off; Stripe hears of the smaller total."


def _is_there(tenant: Tenant) -> bool:
    return tenant.status != Tenant.Status.DELETED


MONEY_DEEDS = (
    Deed(
        name="plan",
        title="Change plan",
        says="Where the store has bought its plan, it is changed at Stripe as if the store had "
        "done so itself; else the store has the plan at once and pays nothing for it.",
        do=_give_plan,
        form=PlanForm,
        is_offered=_is_there,
        initial=lambda tenant: {"plan": tenant.entitlement.plan},
    ),
    Deed(
        name="limits",
        title="Change limits",
        says="Gives the store a contract of its own: its plan's price and tiers with these limits. "
        "They act in every process within seconds.",
        do=_set_limits,
        form=LimitsForm,
        is_offered=_is_there,
        initial=_limits_now,
    ),
    Deed(
        name="cap",
        title="Spend cap",
        says="What the store pays for a period at most. It acts in every process within 2 seconds.",
        do=_cap,
        form=CapForm,
        is_offered=_is_there,
    ),
    Deed(
        name="credit",
        title="Give credit",
        says="Money for calls, from Stripe's next invoice on; the reason stands on the invoice.",
        do=_credit,
        form=CreditForm,
        is_offered=_is_there,
        initial=lambda tenant: {"key": str(uuid.uuid4())},
    ),
    Deed(
        name="comp",
        title="Take calls off the bill",
        says="Charges fewer calls of an hour. The ledger stays as it is; the difference stands "
        "beside it, with your reason.",
        do=_comp,
        form=CompForm,
    ),
)
