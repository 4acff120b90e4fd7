"""Says what a subscription's state means for a store and what to do: values in, words out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from saas.portal.status_sentence import Tone, shown


@dataclass(frozen=True, slots=True)
class Facts:
    """How it stands with a store's plan.

    Attributes
    ----------
    plan
        Its name; None where the store has none.
    state
        Stripe's.
    access, lapses_at
        What is answered, and when that ends or ended for want of payment.
    is_used_up, limited_by
        Whether the period's calls are over, and what set their end: quota, trial, spend_cap.
    is_bought
        At Stripe, where it goes on by itself.
    next_plan
        What follows at the period's end.
    """

    plan: str | None
    state: str
    period_end: datetime
    access: str = "full"
    is_suspended: bool = False
    lapses_at: datetime | None = None
    trial_end: datetime | None = None
    is_used_up: bool = False
    limited_by: str = ""
    is_bought: bool = False
    next_plan: str | None = None
    ends_with_period: bool = False


@dataclass(frozen=True, slots=True)
class BillingState:
    """The state in a word, what it means, and what to do."""

    name: str
    tone: Tone
    meaning: str
    advice: str = ""


_LIMITS = {
    "quota": ("the included calls are used up", "Choose a larger plan."),
    "trial": ("the trial's calls are used up", "Buy a plan."),
    "spend_cap": ("the spend cap is reached", "Raise the cap, or lift it."),
}
_UNPAID = {
    "unpaid": "an invoice was not paid after several attempts",
    "incomplete": "the first payment has not gone through",
    "incomplete_expired": "the first payment never went through",
    "paused": "the trial ended and nobody has bought a plan",
    "canceled": "the plan was cancelled and its period is over",
    "past_due": "an invoice is overdue by more than a week",
}


def billing_state(facts: Facts) -> BillingState:
    """Return what is true now; what stops calls comes first."""
    return _stopped(facts) or _pressing(facts) or _running(facts)


def _stopped(facts: Facts) -> BillingState | None:
    if facts.is_suspended:
        return BillingState(
            "suspended",
            "bad",
            "Our staff have suspended this store: all calls are refused. Nothing is deleted.",
            "Its owner was told the reason by e-mail; answer there. Invoices can still be paid.",
        )
    if facts.access == "full":
        return None
    reason = _UNPAID.get(facts.state, f"the subscription is {_words(facts.state)}")
    since = "" if facts.lapses_at is None else f" since {shown(facts.lapses_at)}"
    kept = (
        "Data can still be read and exported."
        if facts.access == "reads"
        else "Data are kept and closed until then."
    )
    buys = facts.state in ("canceled", "incomplete_expired", "paused")
    return BillingState(
        _words(facts.state),
        "bad",
        f"Recommendations have been refused{since} because {reason}. {kept}",
        "Buy a plan below; calls are answered again within seconds."
        if buys
        else "Pay the open invoice; calls are answered again within seconds.",
    )


def _pressing(facts: Facts) -> BillingState | None:
    if facts.state == "past_due":
        until = "" if facts.lapses_at is None else f" until {shown(facts.lapses_at)}"
        return BillingState(
            "past due",
            "warn",
            f"The last invoice is not paid. All calls are answered{until}, then they are refused.",
            "Pay it, or put another card in, under Card and invoices at Stripe.",
        )
    if facts.is_used_up:
        reason, advice = _LIMITS.get(facts.limited_by, ("the limit is reached", ""))
        return BillingState(
            "used up",
            "warn",
            f"Since {reason}, shoppers get popular items or nothing, as set under Settings, until "
            f"{shown(facts.period_end)}.",
            f"{advice} It takes effect within seconds.".strip(),
        )
    return None


def _running(facts: Facts) -> BillingState:
    if facts.plan is None:
        return BillingState(
            "no plan",
            "neutral",
            "This store has no plan: nothing is charged, and its limits are set by our staff.",
        )
    end = shown(facts.period_end)
    if facts.ends_with_period:
        return BillingState(
            "ending",
            "warn",
            f"The plan {facts.plan} was cancelled: it ends on {end}, and calls are refused from "
            "then on. Calls until then are charged.",
            "It can be resumed below until then.",
        )
    if facts.state == "trialing":
        trial_end = shown(facts.trial_end or facts.period_end)
        return BillingState(
            "trial",
            "neutral",
            f"The plan {facts.plan} is on trial until {trial_end} and costs nothing until then.",
            "It goes on by itself and is charged from then on; cancel before if it should not."
            if facts.is_bought
            else "Buy it below before it ends; else calls are refused from then on.",
        )
    follows = "" if facts.next_plan is None else f" From then on it is {facts.next_plan}."
    return BillingState(
        "active", "good", f"The plan is {facts.plan}; its period ends on {end}.{follows}"
    )


def _words(state: str) -> str:
    return state.replace("_", " ")
