"""Says in one sentence what shoppers get right now and since when: values in, words out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Tone = Literal["good", "warn", "bad", "neutral"]

# Of fewer calls, a share says nothing.
_LEAST_CALLS = 20
_MOST_FALLBACKS = 0.5


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of an environment and its store.

    Attributes
    ----------
    suspended_since
        None where staff have not suspended the store.
    access, lapses_at, billing_state
        What the subscription lets be answered, when that ends or ended, and its state at Stripe.
    limit_ends_at, refuses_beyond_limit
        When the period ends whose calls are used up, None while some are left; and whether calls
        are then refused, rather than answered with what is popular.
    live_version, live_since, is_pinned
        The model that is served.
    calls, fallbacks
        Answers since yesterday began, and those that were of another kind than asked for.
    """

    is_test: bool = False
    suspended_since: datetime | None = None
    access: str = "full"
    lapses_at: datetime | None = None
    billing_state: str = "active"
    limit_ends_at: datetime | None = None
    refuses_beyond_limit: bool = False
    has_items: bool = True
    live_version: str | None = None
    live_since: datetime | None = None
    is_pinned: bool = False
    calls: int = 0
    fallbacks: int = 0


@dataclass(frozen=True, slots=True)
class Status:
    """The sentence, how good it is, and what to do about it."""

    tone: Tone
    sentence: str
    advice: str = ""


def status_sentence(facts: Facts) -> Status:
    """Return what is true now; what stops everything comes first.

    >>> status_sentence(Facts()).sentence
    'Your shoppers get your newest available items until a first model is trained.'
    """
    return _stopped(facts) or _limited(facts) or _answered(facts)


def _stopped(facts: Facts) -> Status | None:
    who = _who(facts)
    if facts.suspended_since is not None:
        return Status(
            "bad",
            f"{who} get nothing: this store has been suspended since "
            f"{shown(facts.suspended_since)}, and its calls are refused.",
            "Its owner was told the reason by e-mail; answer there. Nothing is deleted.",
        )
    if facts.access != "full":
        since = "" if facts.lapses_at is None else f" since {shown(facts.lapses_at)}"
        return Status(
            "bad",
            f"{who} get nothing: calls have been refused{since} because the subscription is "
            f"{facts.billing_state.replace('_', ' ')}.",
            "Calls are answered again within seconds of a payment; see Usage and billing.",
        )
    return None


def _limited(facts: Facts) -> Status | None:
    if facts.limit_ends_at is None or facts.is_test:
        return None
    end = shown(facts.limit_ends_at)
    advice = (
        "A larger plan or a higher spend cap takes effect within seconds; see Usage and billing."
    )
    if facts.refuses_beyond_limit:
        sentence = f"Your shoppers get nothing until {end}: the period's calls are used up."
        return Status("bad", sentence, advice)
    return Status(
        "warn",
        f"Your shoppers get your most popular items, the same for all, until {end}: the period's "
        "calls are used up.",
        advice,
    )


def _answered(facts: Facts) -> Status:
    who = _who(facts)
    if not facts.has_items:
        return Status(
            "neutral",
            f"{who} get empty lists: the catalogue has no items yet.",
            "Send your catalogue with POST /v1/items:batch, or upload it under Imports.",
        )
    if facts.live_version is None:
        return Status(
            "neutral",
            f"{who} get your newest available items until a first model is trained.",
            "The first training starts by itself once enough events have come; Get started shows "
            "how far it is.",
        )
    since = "" if facts.live_since is None else f", live since {shown(facts.live_since)}"
    model = f"recommendations from model {facts.live_version}{since}"
    if facts.billing_state == "past_due" and facts.lapses_at is not None:
        return Status(
            "warn",
            f"{who} get {model}; from {shown(facts.lapses_at)} on they get nothing unless the "
            "overdue invoice is paid.",
            "Usage and billing leads to the invoice.",
        )
    if facts.calls >= _LEAST_CALLS and facts.fallbacks > _MOST_FALLBACKS * facts.calls:
        share = f"{facts.fallbacks / facts.calls:.0%}".replace("%", " %")
        return Status(
            "warn",
            f"{who} get {model}, but {share} of the answers since yesterday fell back to popular "
            "or newest items.",
            "Send user_id or anonymous_id with each call, and the same ids as in your events.",
        )
    if facts.is_pinned:
        return Status(
            "good",
            f"{who} get {model}; it is pinned, so no training replaces it.",
            "Under Models you can let trainings replace it again.",
        )
    return Status("good", f"{who} get {model}.")


def _who(facts: Facts) -> str:
    return "Calls to the test environment" if facts.is_test else "Your shoppers"


def shown(moment: datetime) -> str:
    """Write a moment as the portal's sentences do."""
    return f"{moment.day} {moment:%B %Y, %H:%M} UTC"
