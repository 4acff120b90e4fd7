"""The way from a store's first key to the first click on a recommendation: values in, steps out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from saas.portal.status_sentence import shown

State = Literal["done", "now", "later"]


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of an environment.

    Attributes
    ----------
    most
        Where counting stops.
    learnable, needed
        Events that a model can learn from, and from how many on the first training starts.
    blocking
        What keeps personal recommendations away and how to mend it, by code.
    training, progress
        The stage of the run that is under way, None without one, and 0 to 1.
    first_call
        The beginning of the hour of the first recommendation call.
    clicks
        Events that name the recommendation which they followed.
    """

    most: int
    keys: int = 0
    items: int = 0
    lines: int = 0
    learnable: int = 0
    needed: int = 100
    blocking: Mapping[str, str] = field(default_factory=dict)
    training: str | None = None
    progress: float = 0.0
    live_version: str | None = None
    first_call: datetime | None = None
    clicks: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """One step: how far it is, in a number, and what to do next."""

    title: str
    state: State
    number: str
    advice: str


def first_steps(facts: Facts) -> tuple[Step, ...]:
    """Return the steps in their order; the first that is not done is the one to take now."""
    steps = (
        _key(facts),
        _catalogue(facts),
        _events(facts),
        _enough(facts),
        _model(facts),
        _call(facts),
        _click(facts),
    )
    next_one = next((place for place, (_, is_done, _, _) in enumerate(steps) if not is_done), None)
    return tuple(
        Step(
            title=title,
            state="done" if is_done else "now" if place == next_one else "later",
            number=number,
            advice="" if is_done else advice,
        )
        for place, (title, is_done, number, advice) in enumerate(steps)
    )


_Drawn = tuple[str, bool, str, str]


def _key(facts: Facts) -> _Drawn:
    advice = "Make one under API keys, or below for the snippets; its text is shown once."
    return "An API key", facts.keys > 0, _counted(facts.keys, "key", facts), advice


def _catalogue(facts: Facts) -> _Drawn:
    advice = (
        "Send your items with POST /v1/items:batch, or upload a file under Imports: CSV, Google "
        "Merchant, Shopify or WooCommerce."
    )
    return "The catalogue", facts.items > 1, _counted(facts.items, "item", facts), advice


def _events(facts: Facts) -> _Drawn:
    advice = (
        "Send what shoppers do with POST /v1/events: views, carts, purchases. Past orders count "
        "too: upload them under Imports."
    )
    number = _counted(facts.lines, "event line", facts)
    return "First events", facts.lines > 0, number, advice


def _enough(facts: Facts) -> _Drawn:
    is_done = facts.learnable >= facts.needed or facts.live_version is not None
    reasons = (facts.blocking.get(code) for code in ("unknown_items", "no_shoppers"))
    missing = facts.needed - facts.learnable
    advice = next((each for each in reasons if each), None) or (
        f"{missing} more event{'' if missing == 1 else 's'} of interest in an item of the "
        "catalogue: views, carts, purchases, not impressions alone."
    )
    number = f"{facts.learnable} of {facts.needed} events"
    if facts.learnable >= facts.needed:
        number = f"{facts.learnable:,} events, where {facts.needed} are needed"
    return "Enough to learn from", is_done, number, advice


def _model(facts: Facts) -> _Drawn:
    title = "The first model"
    if facts.live_version is not None:
        return title, True, f"model {facts.live_version} is live", ""
    if facts.training is not None:
        stage = facts.training or "waiting for its turn"
        return title, False, f"{facts.progress:.0%}".replace("%", " %"), f"In training: {stage}."
    codes = ("training_failed", "model_waits", "model_rejected", "auto_train_off")
    reasons = (facts.blocking.get(code) for code in codes)
    advice = next((each for each in reasons if each), None) or (
        "It is trained by itself within a minute after the events have come, and promoted when it "
        "is better than popularity. Nothing to do."
    )
    return title, False, "no model yet", advice


def _call(facts: Facts) -> _Drawn:
    number = "none yet" if facts.first_call is None else f"in the hour of {shown(facts.first_call)}"
    advice = (
        "Ask with POST /v1/recommend/for-user; it answers without a model too. It shows here "
        "within seconds."
    )
    return "The first recommendation served", facts.first_call is not None, number, advice


def _click(facts: Facts) -> _Drawn:
    advice = (
        "When a shopper follows a recommendation, send a click with the answer's "
        "recommendation_id: that is how you will see what recommendations bring."
    )
    number = _counted(facts.clicks, "click", facts)
    return "The first attributed click", facts.clicks > 0, number, advice


def _counted(count: int, word: str, facts: Facts) -> str:
    if count >= facts.most:
        return f"{facts.most:,} {word}s or more"
    return f"{count} {word}{'' if count == 1 else 's'}"
